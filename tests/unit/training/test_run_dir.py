from pathlib import Path

import pytest

from tests.support.recipes import changed
from training.config import DEFAULT_RECIPE, read_recipe
from training.data.splits import Digests
from training.run_dir import RunDir, RunError, SourceNetworks

DATA = Digests("d1")


@pytest.fixture
def folder(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path / "run")


def test_a_claimed_folder_keeps_recipe_and_datas_digest(folder: RunDir) -> None:
    recipe = folder.create_or_resume(DEFAULT_RECIPE, DATA)
    assert folder.create_or_resume(DEFAULT_RECIPE, DATA) == recipe == folder.recipe()
    assert folder.data_digest() == "d1"


def test_a_run_without_votes_says_so(folder: RunDir) -> None:
    assert folder.votes_digest() is None
    folder.create_or_resume(DEFAULT_RECIPE, DATA)
    assert folder.votes_digest() is None


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        (SourceNetworks("a c", "d"), "with other teachers"),
        (SourceNetworks("a b", "e"), "with other initial weights"),
        (SourceNetworks("a b"), "with other initial weights"),
        (None, "with other teachers"),
    ],
)
def test_other_networks_are_refused(folder: RunDir, other: SourceNetworks | None, fault: str) -> None:
    needed = SourceNetworks(teachers="a b", init="d")
    folder.create_or_resume(DEFAULT_RECIPE, DATA, needed)
    folder.create_or_resume(DEFAULT_RECIPE, DATA, needed)
    assert folder.source_networks() == needed
    with pytest.raises(RunError, match=fault):
        folder.create_or_resume(DEFAULT_RECIPE, DATA, other)


def test_a_run_that_needs_no_networks_says_so(folder: RunDir) -> None:
    assert folder.source_networks() == SourceNetworks()
    folder.create_or_resume(DEFAULT_RECIPE, DATA)
    assert folder.source_networks() == SourceNetworks()


def test_a_recipe_is_kept_with_its_data(folder: RunDir) -> None:
    folder.path.mkdir()
    folder.create_finished(DEFAULT_RECIPE.read_text(), "d1")
    assert folder.recipe() == read_recipe()
    folder.require_finished()
    folder.require_data(Digests("d1", "any votes"))
    with pytest.raises(RunError, match="was trained on other data"):
        folder.require_data(Digests("d2"))


def test_another_recipe_is_refused(folder: RunDir, tmp_path: Path) -> None:
    folder.create_or_resume(DEFAULT_RECIPE, DATA)
    other = changed(DEFAULT_RECIPE, tmp_path / "other.toml", {"seed": read_recipe().seed + 1})
    with pytest.raises(RunError, match="another recipe"):
        folder.create_or_resume(other, DATA)


def test_other_data_is_refused(folder: RunDir) -> None:
    folder.create_or_resume(DEFAULT_RECIPE, DATA)
    with pytest.raises(RunError, match="on other data"):
        folder.create_or_resume(DEFAULT_RECIPE, Digests("d2"))


def test_other_votes_are_refused(folder: RunDir) -> None:
    folder.create_or_resume(DEFAULT_RECIPE, Digests("d1", "v1"))
    folder.create_or_resume(DEFAULT_RECIPE, Digests("d1", "v1"))
    assert folder.votes_digest() == "v1"
    with pytest.raises(RunError, match="holds a run with votes"):
        folder.create_or_resume(DEFAULT_RECIPE, DATA)
    with pytest.raises(RunError, match="holds a run with other votes"):
        folder.create_or_resume(DEFAULT_RECIPE, Digests("d1", "v2"))


def test_a_run_under_way_is_not_finished(folder: RunDir) -> None:
    folder.create_or_resume(DEFAULT_RECIPE, DATA)
    folder.append_epoch(0, {"accuracy": 0.25})
    with pytest.raises(RunError, match=f"run isn't finished: 1 of {read_recipe().epochs} epochs"):
        folder.require_finished()
    folder.mark_finished()
    folder.require_finished()
    folder.mark_unfinished()
    with pytest.raises(RunError, match="isn't finished"):
        folder.require_finished()


def test_the_software_that_began_a_run_stays_noted(folder: RunDir) -> None:
    folder.create_or_resume(DEFAULT_RECIPE, DATA)
    assert folder.environment() is None
    folder.record_environment({"backend": "jax"})
    folder.record_environment({"backend": "tensorflow"})
    assert folder.environment() == {"backend": "jax"}


@pytest.mark.parametrize("damaged", ['{"backend"', "[]", '{"backend": 3}'])
def test_a_damaged_note_of_software_is_named(folder: RunDir, damaged: str) -> None:
    folder.path.mkdir()
    (folder.path / "software.json").write_text(damaged)
    with pytest.raises(RunError, match=r"software\.json: "):
        folder.environment()


def test_a_folder_without_a_run_is_named(folder: RunDir) -> None:
    with pytest.raises(RunError, match=r"run holds no run: recipe\.toml is missing"):
        folder.recipe()


def test_history_is_kept_and_cut(folder: RunDir) -> None:
    folder.create_or_resume(DEFAULT_RECIPE, DATA)
    for epoch in range(3):
        folder.append_epoch(epoch, {"val_loss": epoch / 2, "accuracy": 0.25})
    folder.truncate_history(2)
    assert folder.history() == [
        {"epoch": 0, "accuracy": 0.25, "val_loss": 0.0},
        {"epoch": 1, "accuracy": 0.25, "val_loss": 0.5},
    ]
    folder.truncate_history(0)
    assert folder.history() == []


def test_a_damaged_history_is_named(folder: RunDir) -> None:
    folder.path.mkdir()
    (folder.path / "history.csv").write_text("epoch,loss\n0,1.5\n1\n")
    with pytest.raises(RunError, match=r"history\.csv, line 3"):
        folder.history()
