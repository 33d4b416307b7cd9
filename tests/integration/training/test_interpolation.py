"""Runs that end between their start and where they came."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.recipes import changed
from training.dataset import VALIDATION, read_splits, require
from training.faces import as_faces
from training.run_folder import RunFolder
from training.train import train
from training.trained import trained_network

SHARE = 0.25


@pytest.fixture(scope="module")
def shared(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that gives the start a share of the last weights."""
    return changed(recipe, tmp_path_factory.mktemp("recipe") / "shared.toml", {"start_share": SHARE})


@pytest.fixture(scope="module")
def mixed_run(data: Path, shared: Path, finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "mixed"
    train(data, shared, run, start=finished_run)
    return run


def weights(run: Path) -> list[NDArray[np.float32]]:
    folder = RunFolder(run)
    kept: list[NDArray[np.float32]] = trained_network(folder.checkpoint, folder.recipe()).get_weights()
    return kept


def test_the_last_weights_are_mixed_with_the_first(
    data: Path, recipe: Path, finished_run: Path, mixed_run: Path, tmp_path: Path
) -> None:
    alone = train(data, recipe, tmp_path / "alone", start=finished_run).get_weights()
    for own, start, both in zip(alone, weights(finished_run), weights(mixed_run), strict=True):
        assert both == pytest.approx((1 - SHARE) * own + SHARE * start, abs=1e-6)


def test_what_is_validated_last_is_the_mixture(data: Path, mixed_run: Path) -> None:
    run = RunFolder(mixed_run)
    validation = require(read_splits(data), VALIDATION, data)
    probabilities = trained_network(run.checkpoint, run.recipe()).predict(as_faces(validation.images), verbose=0)
    told = probabilities[np.arange(len(validation)), validation.labels]
    assert run.history()[-1]["val_loss"] == pytest.approx(-np.log(told).mean(), abs=1e-4)


def test_a_finished_run_is_not_mixed_again(data: Path, shared: Path, finished_run: Path, mixed_run: Path) -> None:
    before = weights(mixed_run)
    again = train(data, shared, mixed_run, start=finished_run).get_weights()
    assert all(np.array_equal(one, other) for one, other in zip(before, again, strict=True))


def test_a_run_from_chance_keeps_its_own_weights(data: Path, shared: Path, finished_run: Path, tmp_path: Path) -> None:
    whole = train(data, shared, tmp_path / "chance").get_weights()
    assert all(np.allclose(one, own, atol=1e-6) for one, own in zip(whole, weights(finished_run), strict=True))
