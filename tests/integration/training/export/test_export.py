import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from services.contracts.model import FACE_SHAPE
from tests.support.recipes import changed
from training.data.splits import read_training_data
from training.export import registry
from training.export.publish import publish
from training.export.registry import ModelError
from training.export.served_model import ServedModel
from training.run_dir import RunDir, RunError

STOPPED_AT_TENSORFLOW = """
import os, runpy, sys

class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            sys.exit(f"devices: {os.environ['CUDA_VISIBLE_DEVICES']!r}")

sys.meta_path.insert(0, Stop())
sys.argv[0] = "training.export.export"
runpy.run_module("training.export.export", run_name="__main__")
"""
"""The command, stopped when TensorFlow is first imported; it prints the devices that would be visible."""


def test_the_command_exports_the_next_version_with_equal_predictions(
    data: Path, finished_run: Path, models: Path
) -> None:
    command = [
        sys.executable,
        "-m",
        "training.export.export",
        f"--run={finished_run}",
        f"--data={data}",
        f"--repo={models}",
    ]
    # The graph is TensorFlow's, whatever backend is configured.
    environment = os.environ | {"KERAS_BACKEND": "jax"}

    answer = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)

    assert answer.returncode == 0, answer.stderr
    assert registry.list_versions(models) == [1, 2]
    faces = np.random.default_rng(5).random((7, *FACE_SHAPE), np.float32)
    first, second = (ServedModel(registry.version_dir(models, version)).predict(faces) for version in (1, 2))
    np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-6)
    np.testing.assert_array_equal(first.reliable, second.reliable)


def test_gpus_are_hidden_before_tensorflow_is_imported(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STOPPED_AT_TENSORFLOW, f"--run={tmp_path}", f"--data={tmp_path}"]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "0", "KERAS_BACKEND": "tensorflow"}
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert answer.stderr.splitlines()[-1:] == ["devices: ''"]


def test_the_manifest_records_the_origin(data: Path, finished_run: Path, models: Path) -> None:
    manifest = registry.read_manifest(registry.version_dir(models, 1))
    run = RunDir(finished_run)
    assert manifest.recipe == run.recipe().model_dump(mode="json")
    assert manifest.recipe["seed"] == 5
    assert manifest.last_epoch == run.history()[-1]
    assert (manifest.data_sha256, manifest.votes_sha256) == (read_training_data(data).digests.data, None)
    assert (manifest.training_faces, manifest.left_out) == (84, 0)
    assert manifest.validation.keys() == {"accuracy", "calibration_error", "negative_log_likelihood"}
    assert {"python", "keras", "numpy"} < manifest.libraries.keys()
    assert manifest.trained_with == run.environment()


def test_an_existing_version_is_never_overwritten(data: Path, finished_run: Path, models: Path) -> None:
    folder = registry.version_dir(models, 1)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with pytest.raises(ModelError, match="a version never changes"):
        publish(finished_run, data, models, version=1)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_failed_export_leaves_nothing(data: Path, finished_run: Path, models: Path, tmp_path: Path) -> None:
    assert all(path.name.isdecimal() for path in (models / "emotion").iterdir())
    # Every model is larger, so the export fails at its end.
    with pytest.raises(ModelError, match="bytes; the limit is 1"):
        publish(finished_run, data, tmp_path, version=1, max_bytes=1)
    assert list((tmp_path / "emotion").iterdir()) == []


def test_an_unfinished_run_is_not_exported(data: Path, finished_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run, tmp_path / "unfinished")
    (run / "finished").unlink()
    with pytest.raises(RunError, match="unfinished isn't finished: 4 of 4 epochs"):
        publish(run, data, tmp_path / "models", version=1)


def test_other_users_can_read_a_version(models: Path) -> None:
    folder = registry.version_dir(models, 1)
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in [folder, *folder.rglob("*")])


def test_other_data_is_rejected(data: Path, finished_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(data.read_text() + data.read_text().splitlines()[-1] + "\n")
    with pytest.raises(RunError, match="was trained on other data"):
        publish(finished_run, other, tmp_path / "models", version=1)


def test_a_directory_without_a_run_is_an_error(data: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run"):
        publish(tmp_path, data, tmp_path / "models", version=1)


def test_a_wider_network_is_not_exported(data: Path, recipe: Path, tmp_path: Path) -> None:
    wide = changed(recipe, tmp_path / "wide.toml", {"convolutions": "[1, 1, 1]\nwidth = 2"})
    run = RunDir(tmp_path / "wide")
    run.create_or_resume(wide, read_training_data(data).digests)
    run.mark_finished()
    with pytest.raises(ModelError, match=r"wide has width 2, which can be a teacher but not served"):
        publish(run.path, data, tmp_path / "models", version=1)
