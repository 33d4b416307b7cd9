from pathlib import Path

import pytest

from tests.recipes import changed
from training.recipe import DEFAULT_RECIPE, read_recipe
from training.run_folder import Networks, RunError, RunFolder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_text("one")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def test_a_claimed_folder_keeps_recipe_and_datas_digest(folder: RunFolder, data: Path) -> None:
    recipe = folder.claim(DEFAULT_RECIPE, data, None)
    assert folder.claim(DEFAULT_RECIPE, data, None) == recipe == folder.recipe()
    assert folder.data_digest() == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"


def test_a_run_without_votes_says_so(folder: RunFolder, data: Path) -> None:
    assert folder.votes_digest() is None
    folder.claim(DEFAULT_RECIPE, data, None)
    assert folder.votes_digest() is None


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        (Networks("a c", "d"), "with other teachers"),
        (Networks("a b", "e"), "with another start"),
        (Networks("a b"), "with another start"),
        (None, "with other teachers"),
    ],
)
def test_other_networks_are_refused(folder: RunFolder, data: Path, other: Networks | None, fault: str) -> None:
    needed = Networks(teachers="a b", start="d")
    folder.claim(DEFAULT_RECIPE, data, None, needed)
    folder.claim(DEFAULT_RECIPE, data, None, needed)
    assert folder.networks() == needed
    with pytest.raises(RunError, match=fault):
        folder.claim(DEFAULT_RECIPE, data, None, other)


def test_a_run_that_needs_no_networks_says_so(folder: RunFolder, data: Path) -> None:
    assert folder.networks() == Networks()
    folder.claim(DEFAULT_RECIPE, data, None)
    assert folder.networks() == Networks()


def test_a_recipe_is_kept_with_its_data(folder: RunFolder, data: Path) -> None:
    folder.keep(DEFAULT_RECIPE.read_text(), "abc")
    assert folder.recipe() == read_recipe()
    with pytest.raises(RunError, match="was trained on other data"):
        folder.require_data(data)


def test_another_recipe_is_refused(folder: RunFolder, data: Path, tmp_path: Path) -> None:
    folder.claim(DEFAULT_RECIPE, data, None)
    other = changed(DEFAULT_RECIPE, tmp_path / "other.toml", {"seed": read_recipe().seed + 1})
    with pytest.raises(RunError, match="another recipe"):
        folder.claim(other, data, None)


def test_other_data_is_refused(folder: RunFolder, data: Path) -> None:
    folder.claim(DEFAULT_RECIPE, data, None)
    data.write_text("two")
    with pytest.raises(RunError, match="on other data"):
        folder.claim(DEFAULT_RECIPE, data, None)


def test_other_votes_are_refused(folder: RunFolder, data: Path, tmp_path: Path) -> None:
    votes = tmp_path / "votes.csv"
    votes.write_text("one")
    folder.claim(DEFAULT_RECIPE, data, votes)
    folder.claim(DEFAULT_RECIPE, data, votes)
    assert folder.votes_digest() == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    with pytest.raises(RunError, match="with other votes than none"):
        folder.claim(DEFAULT_RECIPE, data, None)
    votes.write_text("two")
    with pytest.raises(RunError, match=r"with other votes than .*votes\.csv"):
        folder.claim(DEFAULT_RECIPE, data, votes)


def test_a_folder_without_a_run_is_named(folder: RunFolder) -> None:
    with pytest.raises(RunError, match=r"run holds no run: recipe\.toml is missing"):
        folder.recipe()


def test_history_is_kept_and_cut(folder: RunFolder, data: Path) -> None:
    folder.claim(DEFAULT_RECIPE, data, None)
    for epoch in range(3):
        folder.append_epoch(epoch, {"val_loss": epoch / 2, "accuracy": 0.25})
    folder.forget_from(2)
    assert folder.history() == [
        {"epoch": 0, "accuracy": 0.25, "val_loss": 0.0},
        {"epoch": 1, "accuracy": 0.25, "val_loss": 0.5},
    ]
    folder.forget_from(0)
    assert folder.history() == []


def test_a_damaged_history_is_named(folder: RunFolder) -> None:
    folder.path.mkdir()
    (folder.path / "history.csv").write_text("epoch,loss\n0,1.5\n1\n")
    with pytest.raises(RunError, match=r"history\.csv, line 3"):
        folder.history()
