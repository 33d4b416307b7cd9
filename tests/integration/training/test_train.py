import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.integration.training.conftest import EPOCHS, STUDENT_EPOCHS
from training.models.weights import load_trained_network
from training.run_dir import RunDir, RunError
from training.train import main, train


def test_a_killed_run_ends_like_one_that_was_never_killed(
    data: Path, recipe: Path, finished_run: Path, tmp_path: Path
) -> None:
    """In the folder of a finished run whose weights somebody took away, which so isn't finished any more."""
    folder = RunDir(shutil.copytree(finished_run, tmp_path / "killed"))
    for name in ("checkpoint.keras", "history.csv"):
        (folder.path / name).unlink()
    _train_until_killed(_command(data, recipe, folder.path), folder, epochs=2)
    _leave_what_a_kill_while_saving_leaves(folder)

    train(data, recipe, folder.path)

    _check_that_they_ended_alike(folder, RunDir(finished_run), EPOCHS)


def test_a_killed_pupil_ends_like_one_that_was_never_killed(
    data: Path, student_recipe: Path, finished_run: Path, student_run: Path, tmp_path: Path
) -> None:
    """Killed when its teacher has been asked about some of the views."""
    folder = RunDir(tmp_path / "killed")
    others = ["--teachers", str(finished_run), "--init-from", str(finished_run)]
    _train_until_killed([*_command(data, student_recipe, folder.path), *others], folder, epochs=2)

    train(data, student_recipe, folder.path, [finished_run], finished_run)

    _check_that_they_ended_alike(folder, RunDir(student_run), STUDENT_EPOCHS)
    kept = sorted(path.name for path in folder.soft_targets.iterdir())
    assert kept == ["view-1.npy", "view-2.npy", "view-3.npy"]


def test_a_finished_run_is_left_as_it_is(data: Path, recipe: Path, finished_run: Path) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in finished_run.iterdir()}
    train(data, recipe, finished_run)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in finished_run.iterdir()} == before


def test_a_run_notes_the_software_that_began_it(finished_run: Path) -> None:
    environment = RunDir(finished_run).environment()
    assert environment is not None
    assert environment["backend"] == "tensorflow"
    assert {"python", "keras", "numpy"} < environment.keys()


def test_a_truncated_checkpoint_is_named(data: Path, recipe: Path, finished_run: Path, tmp_path: Path) -> None:
    folder = RunDir(shutil.copytree(finished_run, tmp_path / "damaged"))
    folder.checkpoint.write_bytes(folder.checkpoint.read_bytes()[:5000])
    with pytest.raises(RunError, match=r"checkpoint\.keras can't be read"):
        train(data, recipe, folder.path)


def test_a_fault_ends_the_command_with_one_sentence(data: Path, tmp_path: Path) -> None:
    absent = tmp_path / "absent.toml"
    with pytest.raises(SystemExit, match=r"^train: .*absent\.toml: No such file or directory$"):
        main([f"--data={data}", f"--recipe={absent}", f"--out={tmp_path / 'run'}"])


def _command(data: Path, recipe: Path, run: Path) -> list[str]:
    return [sys.executable, "-m", "training.train", f"--data={data}", f"--recipe={recipe}", f"--out={run}"]


def _train_until_killed(command: list[str], folder: RunDir, epochs: int) -> None:
    """Kill a run when so many epochs are told."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 150
        while len(folder.history()) < epochs and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    assert folder.checkpoint.exists()
    with pytest.raises(RunError, match="isn't finished"):
        folder.require_finished()


def _check_that_they_ended_alike(resumed: RunDir, whole: RunDir, epochs: int) -> None:
    assert [row["epoch"] for row in resumed.history()] == list(range(epochs))
    for row, expected in zip(resumed.history(), whole.history(), strict=True):
        assert row == pytest.approx(expected, abs=2e-3)
    resumed.require_finished()
    source_networks = [load_trained_network(run.checkpoint, run.recipe()) for run in (resumed, whole)]
    for weights, others in zip(*(network.get_weights() for network in source_networks), strict=True):
        np.testing.assert_allclose(weights, others, atol=2e-2)


def _leave_what_a_kill_while_saving_leaves(folder: RunDir) -> None:
    """A row in the history that the checkpoint doesn't hold, and halves of files."""
    last = folder.history()[-1]
    folder.append_epoch(int(last.pop("epoch")) + 1, dict.fromkeys(last, 9.0))
    for name in ("partial-checkpoint.keras", ".partial-history.csv", ".partial-recipe.toml"):
        (folder.path / name).write_text("half")
