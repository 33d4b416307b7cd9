import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.integration.training.conftest import STUDENT_EPOCHS
from tests.support import fer2013
from tests.support.recipes import changed
from training.config import RecipeError
from training.data.fer2013 import TRAINING, VALIDATION
from training.data.splits import read_training_data
from training.models.cnn_bilstm import build_network
from training.models.weights import load_trained_network, weights_digest
from training.run_dir import RunDir, RunError
from training.train import main, train

NEUTRAL = 6


@pytest.fixture(scope="module")
def taught(student_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe from scratch whose second epoch has no targets but the teachers'."""
    path = tmp_path_factory.mktemp("recipe") / "taught.toml"
    return changed(student_recipe, path, {"teacher_weight": 1.0, "init_weight": 0.0, "epochs": 2})


def test_a_killed_run_is_resumed_with_the_same_result(
    data: Path, student_recipe: Path, finished_run: Path, student_run: Path, tmp_path: Path
) -> None:
    """The run restarts in the directory of a finished one whose weights were deleted, and is killed with SIGKILL."""
    run = RunDir(shutil.copytree(student_run, tmp_path / "killed"))
    for name in ("checkpoint.keras", "history.csv"):
        (run.path / name).unlink()
    shutil.rmtree(run.soft_targets)
    sources = ["--teachers", str(finished_run), "--init-from", str(finished_run)]
    command = [f"--data={data}", f"--recipe={student_recipe}", f"--out={run.path}", *sources]
    _train_until_killed([sys.executable, "-m", "training.train", *command], run, epochs=2)
    _leave_incomplete_files(run)

    train(data, student_recipe, run.path, [finished_run], finished_run)

    _check_equal_results(run, RunDir(student_run), STUDENT_EPOCHS)
    stored = sorted(path.name for path in run.soft_targets.iterdir())
    assert stored == ["view-1.npy", "view-2.npy", "view-3.npy"]


def test_a_finished_run_is_not_changed(data: Path, recipe: Path, finished_run: Path) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in finished_run.iterdir()}
    train(data, recipe, finished_run)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in finished_run.iterdir()} == before


def test_a_run_records_its_environment(finished_run: Path) -> None:
    environment = RunDir(finished_run).environment()
    assert environment is not None
    assert environment["backend"] == "tensorflow"
    assert {"python", "keras", "numpy"} < environment.keys()


def test_a_truncated_checkpoint_is_an_error(data: Path, recipe: Path, finished_run: Path, tmp_path: Path) -> None:
    run = RunDir(shutil.copytree(finished_run, tmp_path / "damaged"))
    run.checkpoint.write_bytes(run.checkpoint.read_bytes()[:5000])
    with pytest.raises(RunError, match=r"checkpoint\.keras can't be read"):
        train(data, recipe, run.path)


def test_the_command_reports_an_error_in_one_line(data: Path, tmp_path: Path) -> None:
    absent = tmp_path / "absent.toml"
    with pytest.raises(SystemExit, match=r"^train: .*absent\.toml: No such file or directory$"):
        main([f"--data={data}", f"--recipe={absent}", f"--out={tmp_path / 'run'}"])


def test_a_student_learns_from_its_teachers(data: Path, recipe: Path, taught: Path, tmp_path: Path) -> None:
    teacher = RunDir(tmp_path / "teacher")
    teacher.create_or_resume(recipe, read_training_data(data).digests)
    network = build_network(teacher.recipe().network, seed=1)
    # It answers neutral for every face.
    network.layers[-1].set_weights([np.zeros((200, 7), np.float32), np.eye(7, dtype=np.float32)[NEUTRAL] * 20])
    network.save(teacher.checkpoint)
    teacher.mark_finished()

    run = RunDir(tmp_path / "student")
    student = train(data, taught, run.path, [teacher.path])

    probabilities = student.predict(np.full((1, 48, 48, 1), 0.5, np.float32), verbose=0)[0]
    assert probabilities.argmax() == NEUTRAL
    assert run.source_networks().teachers == weights_digest(network)
    # The second phase begins with the second of two epochs, so it shows one view.
    assert [path.name for path in run.soft_targets.iterdir()] == ["view-1.npy"]


def test_teachers_need_a_recipe_that_uses_them(data: Path, recipe: Path, finished_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"tiny\.toml uses no teachers, but some are given"):
        train(data, recipe, tmp_path / "run", [finished_run])
    assert not (tmp_path / "run").exists()


def test_a_recipe_with_teachers_needs_some(data: Path, taught: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"taught\.toml uses teachers, but none are given"):
        train(data, taught, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_unfinished_run_is_no_source(
    data: Path, recipe: Path, taught: Path, finished_run: Path, tmp_path: Path
) -> None:
    unfinished = RunDir(shutil.copytree(finished_run, tmp_path / "unfinished"))
    unfinished.mark_unfinished()
    with pytest.raises(RunError, match=r"unfinished isn't finished: 4 of 4 epochs"):
        train(data, taught, tmp_path / "run", [unfinished.path])
    with pytest.raises(RunError, match="isn't finished"):
        train(data, recipe, tmp_path / "run", init_from=unfinished.path)


def test_a_run_starts_with_the_weights_of_another(finished_run: Path, student_run: Path) -> None:
    source, started = RunDir(finished_run), RunDir(student_run)
    network = load_trained_network(source.checkpoint, source.recipe())
    assert started.source_networks().init == weights_digest(network)
    # Both are trained on the labels alone in their first epoch.
    assert started.history()[0]["loss"] < source.history()[0]["loss"] - 0.3


def test_weights_of_another_network_are_rejected(data: Path, recipe: Path, finished_run: Path, tmp_path: Path) -> None:
    deeper = changed(recipe, tmp_path / "deeper.toml", {"convolutions": [1, 1, 3]})
    with pytest.raises(RunError, match="is a run of another network"):
        train(data, deeper, tmp_path / "run", init_from=finished_run)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("option", ["--teachers", "--init-from"])
def test_a_source_without_a_run_is_an_error(
    data: Path, recipe: Path, taught: Path, tmp_path: Path, option: str
) -> None:
    (tmp_path / "empty").mkdir()
    needed = taught if option == "--teachers" else recipe
    with pytest.raises(SystemExit, match=r"^train: .*empty holds no run"):
        main([f"--data={data}", f"--recipe={needed}", f"--out={tmp_path / 'run'}", option, str(tmp_path / "empty")])


def test_a_source_trained_on_other_data_is_rejected(
    recipe: Path, taught: Path, finished_run: Path, tmp_path: Path
) -> None:
    rows = [*fer2013.patterns(TRAINING, 3, seed=5), *fer2013.patterns(VALIDATION, 2, seed=6)]
    other = fer2013.write(tmp_path / "other.csv", rows)
    with pytest.raises(RunError, match="was trained on other data"):
        train(other, taught, tmp_path / "run", [finished_run])
    with pytest.raises(RunError, match="was trained on other data"):
        train(other, recipe, tmp_path / "run", init_from=finished_run)


def _train_until_killed(command: list[str], run: RunDir, epochs: int) -> None:
    """Kill a run once its history has this many epochs."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 150
        while len(run.history()) < epochs and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    assert run.checkpoint.exists()
    with pytest.raises(RunError, match="isn't finished"):
        run.require_finished()


def _leave_incomplete_files(run: RunDir) -> None:
    """Add what a kill during saving may leave: a row without a checkpoint, and partial files."""
    last = run.history()[-1]
    run.append_epoch(int(last.pop("epoch")) + 1, dict.fromkeys(last, 9.0))
    for name in ("partial-checkpoint.keras", ".partial-history.csv", ".partial-recipe.toml"):
        (run.path / name).write_text("half")


def _check_equal_results(resumed: RunDir, whole: RunDir, epochs: int) -> None:
    assert [row["epoch"] for row in resumed.history()] == list(range(epochs))
    for row, expected in zip(resumed.history(), whole.history(), strict=True):
        assert row == pytest.approx(expected, abs=2e-3)
    resumed.require_finished()
    networks = [load_trained_network(run.checkpoint, run.recipe()) for run in (resumed, whole)]
    for weights, others in zip(*(network.get_weights() for network in networks), strict=True):
        np.testing.assert_allclose(weights, others, atol=2e-2)
