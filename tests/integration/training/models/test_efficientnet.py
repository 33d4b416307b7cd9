"""A teacher that learnt from photographs of things first."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.support.recipes import TEACHER_RECIPE, changed
from training.config import Pretrained, read_recipe
from training.export.publish import publish
from training.export.registry import ModelError
from training.models.cnn_bilstm import build_network
from training.models.efficientnet import load_imagenet_network
from training.models.weights import load_trained_network
from training.run_dir import RunDir, RunError
from training.train import train

SIDE = 64
CHANGES = {"epochs": 2, "batch_size": 42, "decay_epochs": 0, "side": 32, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretrained")
    tiny = changed(TEACHER_RECIPE, folder / "tiny.toml", CHANGES)
    train(data, tiny, folder / "run")
    return folder / "run"


def test_its_weights_give_the_features_that_pytorch_gives() -> None:
    network = load_imagenet_network(Pretrained(pretrained="efficientnet-lite0", side=SIDE, dropout=0), seed=1)
    pooled = next(layer for layer in network.layers if isinstance(layer, keras.layers.GlobalAveragePooling2D))
    resized = next(layer for layer in network.layers if isinstance(layer, keras.layers.Resizing))
    places = np.arange(SIDE)
    picture = ((places[:, np.newaxis] * places) % SIDE / (SIDE - 1)).astype(np.float32)
    features = keras.Model(resized.output, pooled.output)(picture[np.newaxis, ..., np.newaxis])
    # By efficientnet_lite_pytorch 0.1.0 with PyTorch 2.14, for the same picture.
    seen = np.asarray(features)[0, [2, 62, 111, 164, 240, 306, 364, 437, 509, 558]]
    by_pytorch = [3.6337, 2.7348, 0.3986, 0.6787, 3.1116, 0.8178, 4.2665, 1.5018, 1.5959, 3.1222]
    np.testing.assert_allclose(seen, by_pytorch, atol=2e-4)


def test_it_is_trained_like_others_but_for_what_stays_as_photographs_taught_it(run: Path) -> None:
    folder = RunDir(run)
    assert [row["epoch"] for row in folder.history()] == [0, 1]
    # Recipe and seed say it all; a digest would hold what each backend draws its own way.
    assert folder.source_networks().init is None
    recipe = folder.recipe()
    assert isinstance(recipe.network, Pretrained)
    first = load_imagenet_network(recipe.network, recipe.seed)
    last = load_trained_network(folder.checkpoint, recipe)
    moved = [bool((a != b).any()) for a, b in zip(first.get_weights(), last.get_weights(), strict=True)]
    assert not any(moved[:5])
    assert all(moved[20:])


def test_it_goes_on_where_it_stopped(run: Path, data: Path) -> None:
    before = RunDir(run).checkpoint.read_bytes()
    train(data, run / "recipe.toml", run)
    assert RunDir(run).checkpoint.read_bytes() == before


def test_it_teaches(run: Path, data: Path, student_recipe: Path, tmp_path: Path) -> None:
    asking = changed(student_recipe, tmp_path / "asking.toml", {"init_weight": 0.0, "epochs": 2})
    train(data, asking, tmp_path / "student", [run])
    assert RunDir(tmp_path / "student").source_networks().teachers is not None


def test_it_doesnt_serve(run: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="run is a run of efficientnet-lite0, which can be a teacher but not served"):
        publish(run, data, tmp_path, version=1)


def test_where_its_weights_arent_installed_that_is_said() -> None:
    absent = ("no_such_package", "weights.pth")
    with pytest.raises(RunError, match="no ImageNet weights: No module named 'no_such_package'"):
        load_imagenet_network(Pretrained(pretrained="efficientnet-lite0", side=32, dropout=0), 1, absent)


def test_its_recipe_names_a_network_of_its_own() -> None:
    recipe = read_recipe(TEACHER_RECIPE)
    assert isinstance(recipe.network, Pretrained)
    assert not recipe.uses_teachers
    network = build_network(recipe.network, recipe.seed)
    assert network.input_shape == (None, 48, 48, 1)
    assert network.output_shape == (None, 7)
