"""Interpolation of the final weights with the initial ones."""

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


def test_the_final_weights_are_a_weighted_mean(
    data: Path, student_recipe: Path, finished_run: Path, student_run: Path, tmp_path: Path
) -> None:
    plain = changed(student_recipe, tmp_path / "plain.toml", {"init_weight": 0.0})
    alone = train(data, plain, tmp_path / "alone", [finished_run], finished_run).get_weights()
    for trained, initial, mean in zip(alone, weights(finished_run), weights(student_run), strict=True):
        assert mean == pytest.approx((1 - INIT_WEIGHT) * trained + INIT_WEIGHT * initial, abs=1e-6)


def test_the_last_validation_uses_the_mean(data: Path, student_run: Path) -> None:
    run = RunDir(student_run)
    validation = require_usage(read_splits(data), VALIDATION, data)
    probabilities = load_trained_network(run.checkpoint, run.recipe()).predict(
        to_model_input(validation.images), verbose=0
    )
    of_label = probabilities[np.arange(len(validation)), validation.labels]
    assert run.history()[-1]["val_loss"] == pytest.approx(-np.log(of_label).mean(), abs=1e-4)


def test_a_finished_run_is_not_interpolated_again(
    data: Path, student_recipe: Path, finished_run: Path, student_run: Path
) -> None:
    before = weights(student_run)
    again = train(data, student_recipe, student_run, [finished_run], finished_run).get_weights()
    assert all(np.array_equal(one, other) for one, other in zip(before, again, strict=True))


def test_interpolation_needs_an_initial_run(
    data: Path, student_recipe: Path, finished_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=r"student\.toml sets init_weight, but no initial run is given"):
        train(data, student_recipe, tmp_path / "run", [finished_run])
    assert not (tmp_path / "run").exists()
