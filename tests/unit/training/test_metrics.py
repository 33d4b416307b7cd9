import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.metrics import (
    ClassScores,
    accuracy,
    class_scores,
    confusion_matrix,
    negative_log_likelihood,
    wilson_interval,
)

LABELS = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 0, 0])


def test_accuracy() -> None:
    assert accuracy(LABELS, PREDICTED) == 0.5


def test_accuracy_without_faces_is_undefined() -> None:
    empty = np.empty(0, np.int64)
    assert math.isnan(accuracy(empty, empty))


def test_wilson_interval_of_a_textbook_case() -> None:
    low, high = wilson_interval(8, 10)
    assert low == pytest.approx(0.4901625, abs=1e-6)
    assert high == pytest.approx(0.9433178, abs=1e-6)


@given(st.integers(1, 5000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_wilson_interval_holds_the_fraction(case: tuple[int, int]) -> None:
    successes, trials = case
    low, high = wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1


def test_wilson_interval_needs_trials() -> None:
    with pytest.raises(ValueError, match="at least one"):
        wilson_interval(0, 0)


def test_confusion_counts_truth_by_row() -> None:
    assert confusion_matrix(LABELS, PREDICTED, 4).tolist() == [[2, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_class_scores() -> None:
    scores = class_scores(confusion_matrix(LABELS, PREDICTED, 4))
    assert scores == [
        ClassScores(precision=2 / 4, recall=2 / 3, f1=4 / 7, faces=3),
        ClassScores(precision=1 / 2, recall=1 / 2, f1=1 / 2, faces=2),
        ClassScores(precision=0, recall=0, f1=0, faces=1),
        ClassScores(precision=0, recall=0, f1=0, faces=0),
    ]


def test_negative_log_likelihood() -> None:
    probabilities = np.array([[0.5, 0.5], [0.75, 0.25]], np.float32)
    found = negative_log_likelihood(np.array([0, 1]), probabilities)
    assert found == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_negative_log_likelihood_of_the_impossible_is_finite() -> None:
    assert negative_log_likelihood(np.array([1]), np.array([[1, 0]], np.float32)) == pytest.approx(87.336, abs=1e-3)
