import numpy as np
import pytest

from training.dataset import Split
from training.targets import label_chances, targets

ANGRY, DISGUST, HAPPY = 0, 1, 3


def split(labels: list[int], votes: np.ndarray | None = None) -> Split:
    return Split(np.zeros((len(labels), 48, 48), np.uint8), np.array(labels, np.uint8), votes)


def unanimous(emotions: list[int]) -> np.ndarray:
    return np.eye(7, dtype=np.float32)[emotions]


def test_without_smoothing_and_votes_the_label_is_all() -> None:
    assert targets(split([0, 6]), vote_weight=0, label_smoothing=0).tolist() == [
        [1, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
    ]


def test_smoothing_spreads_its_share() -> None:
    (row,) = targets(split([HAPPY]), vote_weight=0.5, label_smoothing=0.07)
    assert row == pytest.approx([0.01, 0.01, 0.01, 0.94, 0.01, 0.01, 0.01])


def test_a_vote_counts_as_the_labels_it_goes_with() -> None:
    """People voted anger for all; two of three faces are labelled so, one disgust."""
    labels = [ANGRY, ANGRY, DISGUST] * 40
    chances = label_chances(unanimous([ANGRY] * 120), np.array(labels, np.uint8))
    assert chances[0, [ANGRY, DISGUST]] == pytest.approx([2 / 3, 1 / 3], abs=0.01)
    assert chances.sum(axis=1) == pytest.approx(1)


def test_votes_temper_the_label_by_their_weight() -> None:
    given = split([ANGRY, ANGRY, DISGUST] * 40, unanimous([ANGRY] * 120))
    disgusted = targets(given, vote_weight=0.5, label_smoothing=0)[2]
    assert disgusted[[ANGRY, DISGUST]] == pytest.approx([1 / 3, 2 / 3], abs=0.01)


def test_rows_that_nobody_voted_on_still_have_a_target() -> None:
    votes = np.vstack([unanimous([ANGRY, HAPPY]), np.zeros((1, 7), np.float32)])
    rows = targets(split([ANGRY, HAPPY, HAPPY], votes), vote_weight=1, label_smoothing=0)
    assert rows.dtype == np.float32
    assert rows.sum(axis=1) == pytest.approx(1, abs=1e-5)
