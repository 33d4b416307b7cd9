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
from training.import_run import import_run
from training.import_run import main as import_run_main
from training.models.cnn_bilstm import build_network
from training.models.weights import load_trained_network, weights_digest
from training.run_dir import RunDir, RunError
from training.train import main, train


@pytest.fixture(scope="module")
def taught(student_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe from chance that asks teachers for everything."""
    path = tmp_path_factory.mktemp("recipe") / "taught.toml"
    return changed(student_recipe, path, {"teacher_weight": 1.0, "init_weight": 0.0, "epochs": 2})


def stubborn(data: Path, recipe: Path, out: Path, answer: int) -> Path:
    """Make a run whose network always says the same."""
    folder = RunDir(out)
    folder.create_or_resume(recipe, read_training_data(data).digests)
    network = build_network(folder.recipe().network, seed=1)
    network.layers[-1].set_weights([np.zeros((200, 7), np.float32), np.eye(7, dtype=np.float32)[answer] * 20])
    network.save(folder.checkpoint)
    folder.mark_finished()
    return out


def test_what_teachers_say_is_learned(data: Path, recipe: Path, taught: Path, tmp_path: Path) -> None:
    said = []
    for answer in (0, 6):
        teacher = stubborn(data, recipe, tmp_path / f"teacher-{answer}", answer)
        run = tmp_path / f"pupil-{answer}"
        network = train(data, taught, run, [teacher])
        said.append(network.predict(np.full((1, 48, 48, 1), 0.5, np.float32), verbose=0)[0])
        assert RunDir(run).source_networks().teachers is not None
        # The later part begins with the second of two epochs, so of two views one was shown.
        assert [path.name for path in RunDir(run).soft_targets.iterdir()] == ["view-1.npy"]
    assert said[0][0] > said[1][0]
    assert said[1][6] > said[0][6]


def test_a_recipe_that_asks_no_teachers_is_given_none(
    data: Path, recipe: Path, finished_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=r"tiny\.toml uses no teachers, but some are given"):
        train(data, recipe, tmp_path / "run", [finished_run])
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_asks_teachers_is_given_some(data: Path, taught: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"taught\.toml uses teachers, but none are given"):
        train(data, taught, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_under_way_neither_teaches_nor_starts(
    data: Path, recipe: Path, taught: Path, finished_run: Path, tmp_path: Path
) -> None:
    under_way = RunDir(shutil.copytree(finished_run, tmp_path / "under-way"))
    (under_way.path / "finished").unlink()
    with pytest.raises(RunError, match=r"under-way isn't finished: 4 of 4 epochs"):
        train(data, taught, tmp_path / "run", [under_way.path])
    with pytest.raises(RunError, match="isn't finished"):
        train(data, recipe, tmp_path / "run", init_from=under_way.path)


def test_a_run_starts_with_anothers_weights(data: Path, recipe: Path, finished_run: Path, tmp_path: Path) -> None:
    still = changed(recipe, tmp_path / "still.toml", {"epochs": 1, "learning_rate": 1e-9, "seed": 3})
    train(data, still, tmp_path / "run", init_from=finished_run)
    started, before = RunDir(tmp_path / "run"), RunDir(finished_run)
    source_networks = [load_trained_network(run.checkpoint, run.recipe()) for run in (started, before)]
    for weights, expected in zip(*(network.trainable_weights for network in source_networks), strict=True):
        np.testing.assert_allclose(weights, expected, atol=1e-6)
    assert started.source_networks().init == weights_digest(source_networks[1])


def test_another_networks_weights_are_refused(data: Path, recipe: Path, finished_run: Path, tmp_path: Path) -> None:
    deeper = changed(recipe, tmp_path / "deeper.toml", {"convolutions": [1, 1, 3]})
    with pytest.raises(RunError, match="is a run of another network"):
        train(data, deeper, tmp_path / "run", init_from=finished_run)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("option", ["--teachers", "--init-from"])
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
        train(other, recipe, tmp_path / "run", init_from=finished_run)


def test_a_wide_run_teaches_and_doesnt_serve(data: Path, recipe: Path, tmp_path: Path) -> None:
    wide = changed(recipe, tmp_path / "wide.toml", {"convolutions": "[1, 1, 1]\nwidth = 2"})
    stubborn(data, wide, tmp_path / "wide", 1)
    with pytest.raises(ModelError, match=r"wide has width 2, which can be a teacher but not served"):
        publish(tmp_path / "wide", data, tmp_path / "models", version=1)


def test_a_version_becomes_a_run_again(data: Path, finished_run: Path, models: Path, tmp_path: Path) -> None:
    run = import_run(registry.version_dir(models, 1), tmp_path / "run")
    before = RunDir(finished_run)
    assert run.recipe() == before.recipe()
    run.require_finished()
    run.require_data(read_training_data(data).digests)
    source_networks = [load_trained_network(folder.checkpoint, folder.recipe()) for folder in (run, before)]
    for weights, expected in zip(*(network.get_weights() for network in source_networks), strict=True):
        np.testing.assert_array_equal(weights, expected)


def test_an_unpacked_version_cant_go_on(data: Path, recipe: Path, models: Path, tmp_path: Path) -> None:
    import_run(registry.version_dir(models, 1), tmp_path / "run")
    with pytest.raises(RunError, match=r"can't be resumed: use it as INIT_FROM"):
        train(data, recipe, tmp_path / "run")


def test_nothing_is_unpacked_over_a_run(models: Path, tmp_path: Path) -> None:
    version = registry.version_dir(models, 1)
    import_run(version, tmp_path / "run")
    with pytest.raises(SystemExit, match=r"^import-run: .*run exists; choose another directory$"):
        import_run_main([f"--model={version}", f"--out={tmp_path / 'run'}"])


def test_weights_of_another_network_are_not_unpacked(models: Path, tmp_path: Path) -> None:
    version = shutil.copytree(registry.version_dir(models, 1), tmp_path / "7")
    manifest = registry.manifest_path(version)
    content = json.loads(manifest.read_text())
    content["recipe"]["network"]["convolutions"] = [1, 1, 3]
    manifest.write_text(json.dumps(content))
    with pytest.raises(ModelError, match="don't fit the network of its recipe"):
        import_run(version, tmp_path / "run")
    assert not (tmp_path / "run").exists()
