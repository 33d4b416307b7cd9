from pathlib import Path

import pytest

from tests.support import fer2013
from tests.support.made_once import made_once
from tests.support.recipes import STUDENT_RECIPE, changed
from training.config import DEFAULT_RECIPE
from training.data.fer2013 import TRAINING, VALIDATION
from training.export.publish import publish
from training.train import train

EPOCHS = 4

# The weight decay is strong: the history would show if resuming changed which weights are decayed.
CHANGES = {
    "seed": 5,
    "epochs": EPOCHS,
    "batch_size": 8,
    "weight_decay": 2.0,
    "decay_epochs": 2.0,
    "learning_rate": 8e-3,
    "precision": '"float32"',
    "convolutions": [1, 1, 1],
}
INIT_WEIGHT = 0.25
STUDENT_EPOCHS = 6
STUDENT_CHANGES = CHANGES | {
    "epochs": STUDENT_EPOCHS,
    "init_weight": INIT_WEIGHT,
    "from_epoch": 1,
    "teacher_weight": 0.8,
    "cached_views": 3,
}


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [*fer2013.patterns(TRAINING, 12, seed=1), *fer2013.patterns(VALIDATION, 6, seed=2)]
    return fer2013.write(tmp_path_factory.mktemp("data") / "fer2013.csv", rows)


@pytest.fixture(scope="package")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return changed(DEFAULT_RECIPE, tmp_path_factory.mktemp("recipe") / "tiny.toml", CHANGES)


@pytest.fixture(scope="package")
def finished_run(data: Path, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "finished_run", lambda run: train(data, recipe, run))


@pytest.fixture(scope="package")
def student_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe with teachers, three cached views, and interpolation with the initial weights."""
    return changed(STUDENT_RECIPE, tmp_path_factory.mktemp("recipe") / "student.toml", STUDENT_CHANGES)


@pytest.fixture(scope="package")
def student_run(data: Path, student_recipe: Path, finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with another run as teacher and initial weights."""
    return made_once(
        tmp_path_factory, "student_run", lambda run: train(data, student_recipe, run, [finished_run], finished_run)
    )


@pytest.fixture(scope="package")
def models(data: Path, finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model repository with one version."""
    return made_once(tmp_path_factory, "model_repo", lambda models: publish(finished_run, data, models, version=1))
