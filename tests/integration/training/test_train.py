import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.training.conftest import EPOCHS
from training.run_folder import RunError, RunFolder
from training.train import main, train


def test_a_killed_run_ends_like_one_that_was_never_killed(
    data: Path, recipe: Path, finished_run: Path, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path / "killed")
    _train_until_killed_after_an_epoch(data, recipe, folder)
    _leave_what_a_kill_while_saving_leaves(folder)

    train(data, recipe, folder.path)

    resumed, whole = folder.history(), RunFolder(finished_run).history()
    assert [row["epoch"] for row in resumed] == list(range(EPOCHS))
    for row, expected in zip(resumed, whole, strict=True):
        assert row == pytest.approx(expected, abs=2e-3)


def test_a_finished_run_is_left_as_it_is(data: Path, recipe: Path, finished_run: Path) -> None:
    before = {path: path.read_bytes() for path in finished_run.iterdir()}
    train(data, recipe, finished_run)
    assert {path: path.read_bytes() for path in finished_run.iterdir()} == before


def test_a_truncated_checkpoint_is_named(data: Path, recipe: Path, finished_run: Path, tmp_path: Path) -> None:
    folder = RunFolder(shutil.copytree(finished_run, tmp_path / "damaged"))
    folder.checkpoint.write_bytes(folder.checkpoint.read_bytes()[:5000])
    with pytest.raises(RunError, match=r"checkpoint\.keras can't be read"):
        train(data, recipe, folder.path)


def test_a_fault_ends_the_command_with_one_sentence(data: Path, tmp_path: Path) -> None:
    absent = tmp_path / "absent.toml"
    with pytest.raises(SystemExit, match=r"^train: .*absent\.toml: No such file or directory$"):
        main([f"--data={data}", f"--recipe={absent}", f"--out={tmp_path / 'run'}"])


def _command(data: Path, recipe: Path, run: Path) -> list[str]:
    return [sys.executable, "-m", "training.train", f"--data={data}", f"--recipe={recipe}", f"--out={run}"]


def _train_until_killed_after_an_epoch(data: Path, recipe: Path, folder: RunFolder) -> None:
    process = subprocess.Popen(_command(data, recipe, folder.path), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 150
    while not folder.checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert folder.checkpoint.exists()


def _leave_what_a_kill_while_saving_leaves(folder: RunFolder) -> None:
    """A row in the history that the checkpoint doesn't hold, and halves of files."""
    last = folder.history()[-1]
    folder.append_epoch(int(last.pop("epoch")) + 1, dict.fromkeys(last, 9.0))
    for name in ("partial-checkpoint.keras", ".partial-history.csv", ".partial-recipe.toml"):
        (folder.path / name).write_text("half")
