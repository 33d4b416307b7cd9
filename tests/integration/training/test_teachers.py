"""Runs that teach another, or that another starts from."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support import fer2013
from tests.support.recipes import changed
from training.config import RecipeError
from training.data.fer2013 import TRAINING, VALIDATION
from training.data.splits import read_training_data
from training.export import registry
from training.export.publish import publish
from training.export.registry import ModelError
from training.import_run import main as unpack_main
from training.import_run import unpack
from training.models.cnn_bilstm import build_network
from training.models.weights import trained_network, weights_digest
from training.run_dir import RunError, RunFolder
from training.train import main, train


@pytest.fixture(scope="module")
def taught(pupil_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe from chance that asks teachers for everything."""
    path = tmp_path_factory.mktemp("recipe") / "taught.toml"
    return changed(pupil_recipe, path, {"teacher_weight": 1.0, "start_share": 0.0, "epochs": 2})


def stubborn(data: Path, recipe: Path, out: Path, answer: int) -> Path:
    """Make a run whose network always says the same."""
    folder = RunFolder(out)
    folder.claim(recipe, read_training_data(data).digests)
    network = build_network(folder.recipe().network, seed=1)
    network.layers[-1].set_weights([np.zeros((200, 7), np.float32), np.eye(7, dtype=np.float32)[answer] * 20])
    network.save(folder.checkpoint)
    folder.finish()
    return out


def test_what_teachers_say_is_learned(data: Path, recipe: Path, taught: Path, tmp_path: Path) -> None:
    said = []
    for answer in (0, 6):
        teacher = stubborn(data, recipe, tmp_path / f"teacher-{answer}", answer)
        run = tmp_path / f"pupil-{answer}"
        network = train(data, taught, run, [teacher])
        said.append(network.predict(np.full((1, 48, 48, 1), 0.5, np.float32), verbose=0)[0])
        assert RunFolder(run).networks().teachers is not None
        # The later part begins with the second of two epochs, so of two views one was shown.
        assert [path.name for path in RunFolder(run).answers.iterdir()] == ["view-1.npy"]
    assert said[0][0] > said[1][0]
    assert said[1][6] > said[0][6]


def test_a_recipe_that_asks_no_teachers_is_given_none(
    data: Path, recipe: Path, finished_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=r"tiny\.toml asks no teachers, and some are named"):
        train(data, recipe, tmp_path / "run", [finished_run])
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_asks_teachers_is_given_some(data: Path, taught: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"taught\.toml asks teachers, and none is named"):
        train(data, taught, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_under_way_neither_teaches_nor_starts(
    data: Path, recipe: Path, taught: Path, finished_run: Path, tmp_path: Path
) -> None:
    under_way = RunFolder(shutil.copytree(finished_run, tmp_path / "under-way"))
    (under_way.path / "finished").unlink()
    with pytest.raises(RunError, match=r"under-way isn't finished: 4 of 4 epochs"):
        train(data, taught, tmp_path / "run", [under_way.path])
    with pytest.raises(RunError, match="isn't finished"):
        train(data, recipe, tmp_path / "run", start=under_way.path)


def test_a_run_starts_with_anothers_weights(data: Path, recipe: Path, finished_run: Path, tmp_path: Path) -> None:
    still = changed(recipe, tmp_path / "still.toml", {"epochs": 1, "learning_rate": 1e-9, "seed": 3})
    train(data, still, tmp_path / "run", start=finished_run)
    started, before = RunFolder(tmp_path / "run"), RunFolder(finished_run)
    networks = [trained_network(run.checkpoint, run.recipe()) for run in (started, before)]
    for weights, expected in zip(*(network.trainable_weights for network in networks), strict=True):
        np.testing.assert_allclose(weights, expected, atol=1e-6)
    assert started.networks().start == weights_digest(networks[1])


def test_another_networks_weights_are_refused(data: Path, recipe: Path, finished_run: Path, tmp_path: Path) -> None:
    deeper = changed(recipe, tmp_path / "deeper.toml", {"convolutions": [1, 1, 3]})
    with pytest.raises(RunError, match="holds a run of another network"):
        train(data, deeper, tmp_path / "run", start=finished_run)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("option", ["--teachers", "--start"])
def test_a_folder_without_a_run_is_named(data: Path, recipe: Path, taught: Path, tmp_path: Path, option: str) -> None:
    (tmp_path / "empty").mkdir()
    asking = taught if option == "--teachers" else recipe
    with pytest.raises(SystemExit, match=r"^train: .*empty holds no run"):
        main([f"--data={data}", f"--recipe={asking}", f"--out={tmp_path / 'run'}", option, str(tmp_path / "empty")])


def test_a_run_on_other_data_neither_teaches_nor_starts(
    recipe: Path, taught: Path, finished_run: Path, tmp_path: Path
) -> None:
    rows = [*fer2013.patterns(TRAINING, 3, seed=5), *fer2013.patterns(VALIDATION, 2, seed=6)]
    other = fer2013.write(tmp_path / "other.csv", rows)
    with pytest.raises(RunError, match="was trained on other data"):
        train(other, taught, tmp_path / "run", [finished_run])
    with pytest.raises(RunError, match="was trained on other data"):
        train(other, recipe, tmp_path / "run", start=finished_run)


def test_a_wide_run_teaches_and_doesnt_serve(data: Path, recipe: Path, tmp_path: Path) -> None:
    wide = changed(recipe, tmp_path / "wide.toml", {"convolutions": "[1, 1, 1]\nwidth = 2"})
    stubborn(data, wide, tmp_path / "wide", 1)
    with pytest.raises(ModelError, match=r"wide is 2 times as wide as what is served: it can teach, not serve"):
        publish(tmp_path / "wide", data, tmp_path / "models", version=1)


def test_a_version_becomes_a_run_again(data: Path, finished_run: Path, models: Path, tmp_path: Path) -> None:
    run = unpack(registry.version_folder(models, 1), tmp_path / "run")
    before = RunFolder(finished_run)
    assert run.recipe() == before.recipe()
    run.require_finished()
    run.require_data(read_training_data(data).digests)
    networks = [trained_network(folder.checkpoint, folder.recipe()) for folder in (run, before)]
    for weights, expected in zip(*(network.get_weights() for network in networks), strict=True):
        np.testing.assert_array_equal(weights, expected)


def test_an_unpacked_version_cant_go_on(data: Path, recipe: Path, models: Path, tmp_path: Path) -> None:
    unpack(registry.version_folder(models, 1), tmp_path / "run")
    with pytest.raises(RunError, match=r"holds weights alone, .*: start another run from it"):
        train(data, recipe, tmp_path / "run")


def test_nothing_is_unpacked_over_a_run(models: Path, tmp_path: Path) -> None:
    version = registry.version_folder(models, 1)
    unpack(version, tmp_path / "run")
    with pytest.raises(SystemExit, match=r"^unpack: .*run exists; choose another folder$"):
        unpack_main([f"--model={version}", f"--out={tmp_path / 'run'}"])


def test_weights_of_another_network_are_not_unpacked(models: Path, tmp_path: Path) -> None:
    version = shutil.copytree(registry.version_folder(models, 1), tmp_path / "7")
    paper = registry.model_paper(version)
    content = json.loads(paper.read_text())
    content["recipe"]["network"]["convolutions"] = [1, 1, 3]
    paper.write_text(json.dumps(content))
    with pytest.raises(ModelError, match="holds other weights than the network of its recipe"):
        unpack(version, tmp_path / "run")
    assert not (tmp_path / "run").exists()
