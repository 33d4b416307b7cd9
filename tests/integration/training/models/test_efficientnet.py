"""EfficientNet-lite0 with ImageNet weights, as a teacher."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.support.recipes import TEACHER_RECIPE, changed
from training.config import Pretrained, read_recipe
from training.export.publish import publish
from training.export.registry import ModelError
from training.models.cnn_bilstm import build_network
from training.models.distillation import load_teachers
from training.models.efficientnet import load_imagenet_network
from training.models.weights import load_trained_network
from training.run_dir import RunDir, RunError
from training.train import train

SIDE = 64
CHANGES = {"epochs": 1, "batch_size": 84, "decay_epochs": 0, "side": 32, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretrained")
    tiny = changed(TEACHER_RECIPE, folder / "tiny.toml", CHANGES)
    train(data, tiny, folder / "run")
    return folder / "run"


def test_features_equal_those_of_pytorch() -> None:
    network = load_imagenet_network(Pretrained(pretrained="efficientnet-lite0", side=SIDE, dropout=0), seed=1)
    pooled = next(layer for layer in network.layers if isinstance(layer, keras.layers.GlobalAveragePooling2D))
    resized = next(layer for layer in network.layers if isinstance(layer, keras.layers.Resizing))
    places = np.arange(SIDE)
    image = ((places[:, np.newaxis] * places) % SIDE / (SIDE - 1)).astype(np.float32)
    outputs = keras.Model(resized.output, pooled.output)(image[np.newaxis, ..., np.newaxis])
    # Computed by efficientnet_lite_pytorch 0.1.0 with PyTorch 2.14 for the same image.
    features = np.asarray(outputs)[0, [2, 62, 111, 164, 240, 306, 364, 437, 509, 558]]
    by_pytorch = [3.6337, 2.7348, 0.3986, 0.6787, 3.1116, 0.8178, 4.2665, 1.5018, 1.5959, 3.1222]
    np.testing.assert_allclose(features, by_pytorch, atol=2e-4)


def test_training_changes_all_but_the_frozen_layers(run: Path) -> None:
    folder = RunDir(run)
    assert [row["epoch"] for row in folder.history()] == [0]
    # Recipe and seed identify the initial weights, except the layers that each backend draws differently.
    assert folder.source_networks().init is None
    recipe = folder.recipe()
    assert isinstance(recipe.network, Pretrained)
    first = load_imagenet_network(recipe.network, recipe.seed)
    last = load_trained_network(folder.checkpoint, recipe)
    changed_weights = [bool((a != b).any()) for a, b in zip(first.get_weights(), last.get_weights(), strict=True)]
    assert not any(changed_weights[:5])
    assert all(changed_weights[20:])


def test_a_finished_run_is_not_changed(run: Path, data: Path) -> None:
    before = RunDir(run).checkpoint.read_bytes()
    train(data, run / "recipe.toml", run)
    assert RunDir(run).checkpoint.read_bytes() == before


def test_it_is_a_teacher(run: Path) -> None:
    faces = np.random.default_rng(1).random((3, 48, 48, 1), np.float32)
    probabilities = load_teachers([RunDir(run)], "float32").predict(faces)
    assert probabilities.shape == (3, 7)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_it_cant_be_exported(run: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="run is a run of efficientnet-lite0, which can be a teacher but not served"):
        publish(run, data, tmp_path, version=1)


def test_missing_imagenet_weights_are_an_error() -> None:
    absent = ("no_such_package", "weights.pth")
    with pytest.raises(RunError, match="no ImageNet weights: No module named 'no_such_package'"):
        load_imagenet_network(Pretrained(pretrained="efficientnet-lite0", side=32, dropout=0), 1, absent)


def test_the_recipe_builds_the_network() -> None:
    recipe = read_recipe(TEACHER_RECIPE)
    assert isinstance(recipe.network, Pretrained)
    assert not recipe.uses_teachers
    network = build_network(recipe.network, recipe.seed)
    assert network.input_shape == (None, 48, 48, 1)
    assert network.output_shape == (None, 7)
