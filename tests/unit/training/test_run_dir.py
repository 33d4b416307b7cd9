from pathlib import Path

import pytest

from tests.support.recipes import changed
from training.config import DEFAULT_RECIPE, read_recipe
from training.data.splits import Digests
from training.run_dir import Networks, RunError, RunFolder

DATA = Digests("d1")


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def test_a_claimed_folder_keeps_recipe_and_datas_digest(folder: RunFolder) -> None:
    recipe = folder.claim(DEFAULT_RECIPE, DATA)
    assert folder.claim(DEFAULT_RECIPE, DATA) == recipe == folder.recipe()
    assert folder.data_digest() == "d1"


def test_a_run_without_votes_says_so(folder: RunFolder) -> None:
    assert folder.votes_digest() is None
    folder.claim(DEFAULT_RECIPE, DATA)
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
def test_other_networks_are_refused(folder: RunFolder, other: Networks | None, fault: str) -> None:
    needed = Networks(teachers="a b", start="d")
    folder.claim(DEFAULT_RECIPE, DATA, needed)
    folder.claim(DEFAULT_RECIPE, DATA, needed)
    assert folder.networks() == needed
    with pytest.raises(RunError, match=fault):
        folder.claim(DEFAULT_RECIPE, DATA, other)


def test_a_run_that_needs_no_networks_says_so(folder: RunFolder) -> None:
    assert folder.networks() == Networks()
    folder.claim(DEFAULT_RECIPE, DATA)
    assert folder.networks() == Networks()


def test_a_recipe_is_kept_with_its_data(folder: RunFolder) -> None:
    folder.path.mkdir()
    folder.keep(DEFAULT_RECIPE.read_text(), "d1")
    assert folder.recipe() == read_recipe()
    folder.require_finished()
    folder.require_data(Digests("d1", "any votes"))
    with pytest.raises(RunError, match="was trained on other data"):
        folder.require_data(Digests("d2"))


def test_another_recipe_is_refused(folder: RunFolder, tmp_path: Path) -> None:
    folder.claim(DEFAULT_RECIPE, DATA)
    other = changed(DEFAULT_RECIPE, tmp_path / "other.toml", {"seed": read_recipe().seed + 1})
    with pytest.raises(RunError, match="another recipe"):
        folder.claim(other, DATA)


def test_other_data_is_refused(folder: RunFolder) -> None:
    folder.claim(DEFAULT_RECIPE, DATA)
    with pytest.raises(RunError, match="on other data"):
        folder.claim(DEFAULT_RECIPE, Digests("d2"))


def test_other_votes_are_refused(folder: RunFolder) -> None:
    folder.claim(DEFAULT_RECIPE, Digests("d1", "v1"))
    folder.claim(DEFAULT_RECIPE, Digests("d1", "v1"))
    assert folder.votes_digest() == "v1"
    with pytest.raises(RunError, match="holds a run with votes"):
        folder.claim(DEFAULT_RECIPE, DATA)
    with pytest.raises(RunError, match="holds a run with other votes"):
        folder.claim(DEFAULT_RECIPE, Digests("d1", "v2"))


def test_a_run_under_way_is_not_finished(folder: RunFolder) -> None:
    folder.claim(DEFAULT_RECIPE, DATA)
    folder.append_epoch(0, {"accuracy": 0.25})
    with pytest.raises(RunError, match=f"run isn't finished: 1 of {read_recipe().epochs} epochs"):
        folder.require_finished()
    folder.finish()
    folder.require_finished()
    folder.reopen()
    with pytest.raises(RunError, match="isn't finished"):
        folder.require_finished()


def test_the_software_that_began_a_run_stays_noted(folder: RunFolder) -> None:
    folder.claim(DEFAULT_RECIPE, DATA)
    assert folder.software() is None
    folder.note_software({"backend": "jax"})
    folder.note_software({"backend": "tensorflow"})
    assert folder.software() == {"backend": "jax"}


@pytest.mark.parametrize("damaged", ['{"backend"', "[]", '{"backend": 3}'])
def test_a_damaged_note_of_software_is_named(folder: RunFolder, damaged: str) -> None:
    folder.path.mkdir()
    (folder.path / "software.json").write_text(damaged)
    with pytest.raises(RunError, match=r"software\.json: "):
        folder.software()


def test_a_folder_without_a_run_is_named(folder: RunFolder) -> None:
    with pytest.raises(RunError, match=r"run holds no run: recipe\.toml is missing"):
        folder.recipe()


def test_history_is_kept_and_cut(folder: RunFolder) -> None:
    folder.claim(DEFAULT_RECIPE, DATA)
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
