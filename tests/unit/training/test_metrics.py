import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.metrics import (
    ClassScores,
    ReliabilityBin,
    accuracy,
    calibration_error,
    class_scores,
    confusion_matrix,
    negative_log_likelihood,
    operating_point,
    reliability_bins,
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
def test_wilson_interval_contains_the_fraction(case: tuple[int, int]) -> None:
    successes, trials = case
    low, high = wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1


def test_wilson_interval_needs_trials() -> None:
    with pytest.raises(ValueError, match="at least one"):
        wilson_interval(0, 0)


def test_confusion_matrix_has_a_row_per_true_class() -> None:
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


def test_negative_log_likelihood_of_zero_probability_is_finite() -> None:
    assert negative_log_likelihood(np.array([1]), np.array([[1, 0]], np.float32)) == pytest.approx(87.336, abs=1e-3)


def test_calibration_error_weights_bins_by_faces() -> None:
    # Three faces at 0.9, two of them correct; one at 0.5, incorrect.
    confidences = np.array([0.9, 0.9, 0.9, 0.5])
    correct = np.array([True, True, False, False])
    assert calibration_error(confidences, correct) == pytest.approx(0.75 * (0.9 - 2 / 3) + 0.25 * 0.5)


def test_calibration_error_of_one_bin_cancels_within_it() -> None:
    confidences, correct = np.array([1.0, 0.5, 0.5]), np.array([False, True, True])
    assert calibration_error(confidences, correct, bins=1) == pytest.approx(0)
    assert calibration_error(confidences, correct, bins=15) == pytest.approx(2 / 3)


def test_operating_point_has_the_largest_coverage() -> None:
    confidences = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    correct = np.array([True, False, True, True, False])
    point = operating_point(confidences, correct, target=0.75)
    # At 0.8 the accuracy is only a half, yet at 0.6 it is three quarters.
    assert point is not None
    assert point.threshold == pytest.approx(0.55)
    assert point.coverage == pytest.approx(0.8)
    assert point.accuracy == pytest.approx(0.75)


def test_operating_point_takes_equal_confidences_together() -> None:
    confidences = np.array([0.6, 0.9, 0.6, 0.6])
    correct = np.array([True, True, False, False])
    point = operating_point(confidences, correct, target=0.9)
    assert point is not None
    assert point.threshold == pytest.approx(0.75)
    assert point.coverage == 0.25


def test_operating_point_may_accept_everything() -> None:
    point = operating_point(np.array([0.4, 0.3]), np.array([True, True]), target=0.85)
    assert point is not None
    assert point.coverage == 1
    assert point.threshold < 0.3


def test_operating_point_may_not_exist() -> None:
    assert operating_point(np.array([0.9, 0.3]), np.array([False, True]), target=0.85) is None


@given(st.lists(st.tuples(st.integers(1, 99), st.booleans()), min_size=1, max_size=40), st.floats(0.1, 1))
def test_operating_point_matches_its_threshold(faces: list[tuple[int, bool]], target: float) -> None:
    confidences = np.array([confidence / 100 for confidence, _ in faces])
    correct = np.array([right for _, right in faces])

    point = operating_point(confidences, correct, target)

    reachable = [float(correct[confidences >= least].mean()) for least in confidences]
    if point is None:
        assert max(reachable) < target
    else:
        answered = confidences >= point.threshold
        assert correct[answered].mean() == pytest.approx(point.accuracy)
        assert answered.mean() == pytest.approx(point.coverage)
        assert point.accuracy >= target


def test_reliability_bins() -> None:
    confidences, correct = np.array([1.0, 0.25, 0.75, 0.5]), np.array([True, False, False, True])
    assert reliability_bins(confidences, correct, bins=2) == [
        ReliabilityBin(low=0, high=0.5, faces=2, confidence=0.375, accuracy=0.5),
        ReliabilityBin(low=0.5, high=1, faces=2, confidence=0.875, accuracy=0.5),
    ]


def test_bins_without_faces_are_left_out() -> None:
    (only,) = reliability_bins(np.array([0.95]), np.array([True]))
    assert only.low == pytest.approx(14 / 15)
    assert only.high == 1
