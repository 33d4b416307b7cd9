"""Runs trained with JAX."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.integration.training.conftest import STUDENT_EPOCHS
from tests.support.recipes import changed
from training.data.fer2013 import VALIDATION, read_splits, require_usage
from training.data.splits import to_model_input
from training.export import registry
from training.export.publish import publish
from training.export.served_model import ServedModel
from training.run_dir import RunDir
from training.train import train

WITHOUT_TENSORFLOW = (
    "import runpy, sys; sys.modules['tensorflow'] = None; sys.argv[0] = 'training.train';"
    " runpy.run_module('training.train', run_name='__main__')"
)
"""The training command in a process in which TensorFlow can't be imported."""


@pytest.fixture(scope="module")
def jax_run(data: Path, student_recipe: Path, finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs with JAX, whose teacher and initial weights are a run with TensorFlow."""
    base = tmp_path_factory.mktemp("runs")
    recipe, run = changed(student_recipe, base / "short.toml", {"epochs": 2}), base / "jax"
    options = [f"--data={data}", f"--recipe={recipe}", f"--out={run}"]
    others = ["--teachers", str(finished_run), "--init-from", str(finished_run)]
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, *options, *others]
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert answer.returncode == 0, answer.stderr
    return run


def test_jax_trains_without_tensorflow(jax_run: Path, finished_run: Path, student_run: Path) -> None:
    run, of_tensorflow = RunDir(jax_run), RunDir(student_run)
    run.require_finished()
    assert [row["epoch"] for row in run.history()] == [0, 1]
    assert (run.environment() or {})["backend"] == "jax"
    assert run.source_networks() == of_tensorflow.source_networks()
    assert [path.name for path in run.soft_targets.iterdir()] == ["view-1.npy"]
    # This run had initial weights; that one started from scratch.
    assert run.history()[0]["loss"] < RunDir(finished_run).history()[0]["loss"] - 0.3


def test_a_jax_run_is_exported_with_the_same_predictions(data: Path, jax_run: Path, tmp_path: Path) -> None:
    folder = publish(jax_run, data, tmp_path, version=1)
    validation = require_usage(read_splits(data), VALIDATION, data)
    probabilities = ServedModel(folder).predict_uncalibrated(to_model_input(validation.images))
    of_label = probabilities[np.arange(len(validation)), validation.labels]
    assert -np.log(of_label).mean() == pytest.approx(RunDir(jax_run).history()[-1]["val_loss"], abs=1e-4)
    assert (registry.read_manifest(folder).trained_with or {})["backend"] == "jax"


def test_tensorflow_resumes_a_jax_run(
    data: Path, student_recipe: Path, finished_run: Path, jax_run: Path, tmp_path: Path
) -> None:
    """The run is made to look interrupted in a longer one."""
    run = RunDir(shutil.copytree(jax_run, tmp_path / "run"))
    (run.path / "finished").unlink()
    shutil.copy(student_recipe, run.path / "recipe.toml")
    before = run.history()

    train(data, student_recipe, run.path, [finished_run], finished_run)

    assert run.history()[:2] == before
    assert [row["epoch"] for row in run.history()] == list(range(STUDENT_EPOCHS))
    run.require_finished()
