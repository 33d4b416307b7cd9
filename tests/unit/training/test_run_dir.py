from pathlib import Path

import pytest

from tests.support.recipes import changed
from training.config import DEFAULT_RECIPE, read_recipe
from training.data.splits import Digests
from training.run_dir import RunDir, RunError, SourceNetworks

DATA = Digests("d1")


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path / "run")


def test_a_run_records_recipe_and_data_digest(run_dir: RunDir) -> None:
    recipe = run_dir.create_or_resume(DEFAULT_RECIPE, DATA)
    assert run_dir.create_or_resume(DEFAULT_RECIPE, DATA) == recipe == run_dir.recipe()
    assert run_dir.data_digest() == "d1"


def test_a_run_without_votes_has_no_votes_digest(run_dir: RunDir) -> None:
    assert run_dir.votes_digest() is None
    run_dir.create_or_resume(DEFAULT_RECIPE, DATA)
    assert run_dir.votes_digest() is None


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        (SourceNetworks("a c", "d"), "with other teachers"),
        (SourceNetworks("a b", "e"), "with other initial weights"),
        (SourceNetworks("a b"), "with other initial weights"),
        (None, "with other teachers"),
    ],
)
def test_other_networks_are_rejected(run_dir: RunDir, other: SourceNetworks | None, fault: str) -> None:
    needed = SourceNetworks(teachers="a b", init="d")
    run_dir.create_or_resume(DEFAULT_RECIPE, DATA, needed)
    run_dir.create_or_resume(DEFAULT_RECIPE, DATA, needed)
    assert run_dir.source_networks() == needed
    with pytest.raises(RunError, match=fault):
        run_dir.create_or_resume(DEFAULT_RECIPE, DATA, other)


def test_a_run_without_source_networks(run_dir: RunDir) -> None:
    assert run_dir.source_networks() == SourceNetworks()
    run_dir.create_or_resume(DEFAULT_RECIPE, DATA)
    assert run_dir.source_networks() == SourceNetworks()


def test_a_finished_run_can_be_created(run_dir: RunDir) -> None:
    run_dir.path.mkdir()
    run_dir.create_finished(DEFAULT_RECIPE.read_text(), "d1")
    assert run_dir.recipe() == read_recipe()
    run_dir.require_finished()
    run_dir.require_data(Digests("d1", "any votes"))
    with pytest.raises(RunError, match="was trained on other data"):
        run_dir.require_data(Digests("d2"))


def test_another_recipe_is_rejected(run_dir: RunDir, tmp_path: Path) -> None:
    run_dir.create_or_resume(DEFAULT_RECIPE, DATA)
    other = changed(DEFAULT_RECIPE, tmp_path / "other.toml", {"seed": read_recipe().seed + 1})
    with pytest.raises(RunError, match="another recipe"):
        run_dir.create_or_resume(other, DATA)


def test_other_data_is_rejected(run_dir: RunDir) -> None:
    run_dir.create_or_resume(DEFAULT_RECIPE, DATA)
    with pytest.raises(RunError, match="on other data"):
        run_dir.create_or_resume(DEFAULT_RECIPE, Digests("d2"))


def test_other_votes_are_rejected(run_dir: RunDir) -> None:
    run_dir.create_or_resume(DEFAULT_RECIPE, Digests("d1", "v1"))
    run_dir.create_or_resume(DEFAULT_RECIPE, Digests("d1", "v1"))
    assert run_dir.votes_digest() == "v1"
    with pytest.raises(RunError, match="holds a run with votes"):
        run_dir.create_or_resume(DEFAULT_RECIPE, DATA)
    with pytest.raises(RunError, match="holds a run with other votes"):
        run_dir.create_or_resume(DEFAULT_RECIPE, Digests("d1", "v2"))


def test_a_run_with_missing_epochs_is_not_finished(run_dir: RunDir) -> None:
    run_dir.create_or_resume(DEFAULT_RECIPE, DATA)
    run_dir.append_epoch(0, {"accuracy": 0.25})
    with pytest.raises(RunError, match=f"run isn't finished: 1 of {read_recipe().epochs} epochs"):
        run_dir.require_finished()
    run_dir.mark_finished()
    run_dir.require_finished()
    run_dir.mark_unfinished()
    with pytest.raises(RunError, match="isn't finished"):
        run_dir.require_finished()


def test_the_first_environment_is_kept(run_dir: RunDir) -> None:
    run_dir.create_or_resume(DEFAULT_RECIPE, DATA)
    assert run_dir.environment() is None
    run_dir.record_environment({"backend": "jax"})
    run_dir.record_environment({"backend": "tensorflow"})
    assert run_dir.environment() == {"backend": "jax"}


@pytest.mark.parametrize("damaged", ['{"backend"', "[]", '{"backend": 3}'])
def test_a_damaged_environment_is_an_error(run_dir: RunDir, damaged: str) -> None:
    run_dir.path.mkdir()
    (run_dir.path / "software.json").write_text(damaged)
    with pytest.raises(RunError, match=r"software\.json: "):
        run_dir.environment()


def test_a_directory_without_a_run_is_an_error(run_dir: RunDir) -> None:
    with pytest.raises(RunError, match=r"run holds no run: recipe\.toml is missing"):
        run_dir.recipe()


def test_the_history_can_be_truncated(run_dir: RunDir) -> None:
    run_dir.create_or_resume(DEFAULT_RECIPE, DATA)
    for epoch in range(3):
        run_dir.append_epoch(epoch, {"val_loss": epoch / 2, "accuracy": 0.25})
    run_dir.truncate_history(2)
    assert run_dir.history() == [
        {"epoch": 0, "accuracy": 0.25, "val_loss": 0.0},
        {"epoch": 1, "accuracy": 0.25, "val_loss": 0.5},
    ]
    run_dir.truncate_history(0)
    assert run_dir.history() == []


def test_a_damaged_history_is_an_error(run_dir: RunDir) -> None:
    run_dir.path.mkdir()
    (run_dir.path / "history.csv").write_text("epoch,loss\n0,1.5\n1\n")
    with pytest.raises(RunError, match=r"history\.csv, line 3"):
        run_dir.history()
