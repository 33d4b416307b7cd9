from pathlib import Path

import pytest
from pydantic import JsonValue

from tests.support.recipes import changed
from training.config import DEFAULT_RECIPE, read_recipe
from training.data.splits import Digests
from training.evaluation.seed_variance import seed_variance
from training.export.registry import ModelManifest
from training.models.calibration import Calibration
from training.run_dir import RunDir, RunError

EPOCHS = 2


def served(recipe: dict[str, JsonValue] | None = None, start: str | None = None) -> ModelManifest:
    """Return the manifest of a version, by default with the default recipe, and with the runs' data."""
    return ModelManifest(
        name="emotion",
        version=1,
        recipe=recipe or read_recipe().model_dump(mode="json"),
        last_epoch={},
        data_sha256="d1",
        votes_sha256=None,
        teachers_sha256=None,
        start_sha256=start,
        training_faces=1,
        left_out=0,
        calibration=Calibration(linear=1, quadratic=0),
        threshold=0.5,
        threshold_rule="",
        validation={},
        parameters=1,
        revision=None,
        libraries={},
        trained_with=None,
    )


def run(tmp_path: Path, seed: int, accuracy: float, epochs: int = EPOCHS, done: int = EPOCHS) -> RunDir:
    recipe = changed(DEFAULT_RECIPE, tmp_path / f"recipe-{seed}-{epochs}.toml", {"seed": seed, "epochs": epochs})
    folder = RunDir(tmp_path / f"run-{seed}-{epochs}")
    folder.create_or_resume(recipe, Digests("d1"))
    for epoch in range(done):
        # Earlier epochs are more accurate, which must not count.
        folder.append_epoch(epoch, {"val_accuracy": accuracy if epoch == done - 1 else 0.99})
    if done == epochs:
        folder.mark_finished()
    return folder


def test_runs_are_compared_after_their_last_epoch(tmp_path: Path) -> None:
    figures = seed_variance([run(tmp_path, seed, 0.6 + seed / 100) for seed in (1, 2, 3)], served())
    assert [(one.seed, one.accuracy) for one in figures.runs] == [(1, 0.61), (2, 0.62), (3, 0.63)]
    assert figures.mean == pytest.approx(0.62)
    assert figures.deviation == pytest.approx(0.01)
    assert figures.differences == {"epochs": "2"}


def test_keys_added_since_have_their_defaults(tmp_path: Path) -> None:
    before = read_recipe().model_dump(
        mode="json", exclude={"init_weight": True, "augmentation": {"cutmix_probability"}}
    )
    figures = seed_variance([run(tmp_path, seed, 0.6) for seed in (1, 2, 3)], served(before))
    assert figures.differences == {"epochs": "2"}


def test_a_nested_difference_is_named_alone(tmp_path: Path) -> None:
    recipe = read_recipe().model_dump(mode="json")
    recipe["augmentation"]["shift"] = 0.3
    figures = seed_variance([run(tmp_path, seed, 0.6) for seed in (1, 2, 3)], served(recipe))
    assert figures.differences == {"epochs": "2", "augmentation.shift": str(read_recipe().augmentation.shift)}


def test_other_initial_weights_are_a_difference(tmp_path: Path) -> None:
    figures = seed_variance([run(tmp_path, seed, 0.6) for seed in (1, 2, 3)], served(start="s1"))
    assert figures.differences == {"epochs": "2", "initial weights": "none"}


def test_removed_keys_are_a_difference(tmp_path: Path) -> None:
    figures = seed_variance(
        [run(tmp_path, seed, 0.6) for seed in (1, 2, 3)], served(read_recipe().model_dump(mode="json") | {"luck": 1})
    )
    assert figures.differences == {"epochs": "2", "luck": "not set"}


def test_two_runs_are_too_few(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="at least 3 runs are needed, got 2"):
        seed_variance([run(tmp_path, seed, 0.6) for seed in (1, 2)], served())


def test_an_unfinished_run_is_rejected(tmp_path: Path) -> None:
    runs = [run(tmp_path, 1, 0.6), run(tmp_path, 2, 0.6), run(tmp_path, 3, 0.6, done=1)]
    with pytest.raises(RunError, match="isn't finished: 1 of 2 epochs"):
        seed_variance(runs, served())


def test_runs_of_other_recipes_are_rejected(tmp_path: Path) -> None:
    runs = [run(tmp_path, 1, 0.6), run(tmp_path, 2, 0.6), run(tmp_path, 3, 0.6, epochs=3, done=3)]
    with pytest.raises(RunError, match="in more than its seed"):
        seed_variance(runs, served())


def test_equal_seeds_are_rejected(tmp_path: Path) -> None:
    runs = [run(tmp_path, 1, 0.6), run(tmp_path, 2, 0.6), RunDir(tmp_path / "run-2-2")]
    with pytest.raises(RunError, match="two runs have the same seed: 1, 2, 2"):
        seed_variance(runs, served())


def test_a_recorded_recipe_with_earlier_keys_is_no_difference(tmp_path: Path) -> None:
    recorded = read_recipe().model_dump(mode="json")
    recorded["start_share"] = recorded.pop("init_weight")
    recorded["vote_weight"] = recorded.pop("soft_label_weight")
    figures = seed_variance([run(tmp_path, seed, 0.6) for seed in (1, 2, 3)], served(recorded))
    assert figures.differences == {"epochs": "2"}
