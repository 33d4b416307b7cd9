"""Runs that end between their start and where they came."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.integration.training.conftest import INIT_WEIGHT
from tests.support.recipes import changed
from training.config import RecipeError
from training.data.fer2013 import VALIDATION, read_splits, require_usage
from training.data.splits import to_model_input
from training.models.weights import load_trained_network
from training.run_dir import RunDir
from training.train import train


def weights(run: Path) -> list[NDArray[np.float32]]:
    folder = RunDir(run)
    kept: list[NDArray[np.float32]] = load_trained_network(folder.checkpoint, folder.recipe()).get_weights()
    return kept


def test_the_last_weights_are_mixed_with_the_first(
    data: Path, student_recipe: Path, finished_run: Path, student_run: Path, tmp_path: Path
) -> None:
    unmixed = changed(student_recipe, tmp_path / "unmixed.toml", {"init_weight": 0.0})
    alone = train(data, unmixed, tmp_path / "alone", [finished_run], finished_run).get_weights()
    for own, start, both in zip(alone, weights(finished_run), weights(student_run), strict=True):
        assert both == pytest.approx((1 - INIT_WEIGHT) * own + INIT_WEIGHT * start, abs=1e-6)


def test_what_is_validated_last_is_the_mixture(data: Path, student_run: Path) -> None:
    run = RunDir(student_run)
    validation = require_usage(read_splits(data), VALIDATION, data)
    probabilities = load_trained_network(run.checkpoint, run.recipe()).predict(
        to_model_input(validation.images), verbose=0
    )
    told = probabilities[np.arange(len(validation)), validation.labels]
    assert run.history()[-1]["val_loss"] == pytest.approx(-np.log(told).mean(), abs=1e-4)


def test_a_finished_run_is_not_mixed_again(
    data: Path, student_recipe: Path, finished_run: Path, student_run: Path
) -> None:
    before = weights(student_run)
    again = train(data, student_recipe, student_run, [finished_run], finished_run).get_weights()
    assert all(np.array_equal(one, other) for one, other in zip(before, again, strict=True))


def test_a_share_of_no_start_is_refused(data: Path, student_recipe: Path, finished_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"student\.toml sets init_weight, but no initial run is given"):
        train(data, student_recipe, tmp_path / "run", [finished_run])
    assert not (tmp_path / "run").exists()
