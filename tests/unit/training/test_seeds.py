from pathlib import Path

import pytest

from tests.recipes import changed
from training.recipe import DEFAULT_RECIPE, read_recipe
from training.run_folder import RunError, RunFolder
from training.seeds import seed_figures

SERVED = read_recipe().model_dump(mode="json")
EPOCHS = 2


def run(tmp_path: Path, seed: int, accuracy: float, epochs: int = EPOCHS, done: int = EPOCHS) -> RunFolder:
    data = tmp_path / "data.csv"
    data.write_text("data")
    recipe = changed(DEFAULT_RECIPE, tmp_path / f"recipe-{seed}-{epochs}.toml", {"seed": seed, "epochs": epochs})
    folder = RunFolder(tmp_path / f"run-{seed}-{epochs}")
    folder.claim(recipe, data, votes=None)
    for epoch in range(done):
        # Better before the end, which must not count.
        folder.append_epoch(epoch, {"val_accuracy": accuracy if epoch == done - 1 else 0.99})
    return folder


def test_runs_are_judged_by_their_last_epoch(tmp_path: Path) -> None:
    figures = seed_figures([run(tmp_path, seed, 0.6 + seed / 100) for seed in (1, 2, 3)], SERVED)
    assert [(one.seed, one.accuracy) for one in figures.runs] == [(1, 0.61), (2, 0.62), (3, 0.63)]
    assert figures.mean == pytest.approx(0.62)
    assert figures.deviation == pytest.approx(0.01)
    assert figures.differences == {"epochs": "2"}


def test_settings_that_came_later_are_no_difference(tmp_path: Path) -> None:
    before = read_recipe().model_dump(
        mode="json", exclude={"start_share": True, "later": {"augmentation": {"compose_probability"}}}
    )
    figures = seed_figures([run(tmp_path, seed, 0.6) for seed in (1, 2, 3)], before)
    assert figures.differences == {"epochs": "2", "start_share": "0.5"}


def test_settings_that_are_gone_are_a_difference(tmp_path: Path) -> None:
    figures = seed_figures([run(tmp_path, seed, 0.6) for seed in (1, 2, 3)], SERVED | {"luck": 1})
    assert figures.differences == {"epochs": "2", "luck": "not set"}


def test_two_runs_are_too_few(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="takes 3 runs or more, got 2"):
        seed_figures([run(tmp_path, seed, 0.6) for seed in (1, 2)], SERVED)


def test_a_run_under_way_is_refused(tmp_path: Path) -> None:
    runs = [run(tmp_path, 1, 0.6), run(tmp_path, 2, 0.6), run(tmp_path, 3, 0.6, done=1)]
    with pytest.raises(RunError, match="isn't finished: 1 of 2 epochs"):
        seed_figures(runs, SERVED)


def test_runs_of_other_recipes_are_refused(tmp_path: Path) -> None:
    runs = [run(tmp_path, 1, 0.6), run(tmp_path, 2, 0.6), run(tmp_path, 3, 0.6, epochs=3, done=3)]
    with pytest.raises(RunError, match="in more than its seed"):
        seed_figures(runs, SERVED)


def test_the_same_seed_twice_is_refused(tmp_path: Path) -> None:
    runs = [run(tmp_path, 1, 0.6), run(tmp_path, 2, 0.6), RunFolder(tmp_path / "run-2-2")]
    with pytest.raises(RunError, match="two runs have the same seed: 1, 2, 2"):
        seed_figures(runs, SERVED)
