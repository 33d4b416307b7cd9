import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.metrics import calibration_error, negative_log_likelihood
from training.models.calibration import Calibration, cross_fitted, fit

Array = NDArray[np.float64]


def softmax(scores: Array) -> Array:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Array = raised / raised.sum(axis=1, keepdims=True)
    return shares


def drawn(probabilities: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw a label for each row by its probabilities, so that these are right by construction."""
    labels: NDArray[np.int64] = np.argmax(probabilities.cumsum(axis=1) > rng.random((len(probabilities), 1)), axis=1)
    return labels


def some(rows: int, seed: int = 1) -> tuple[Array, NDArray[np.int64]]:
    """Return scores and labels that follow the scores' softmax."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 2, (rows, 7))
    return scores, drawn(softmax(scores), rng)


def ece(probabilities: Array, labels: NDArray[np.int64]) -> float:
    return calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_a_known_temperature_is_recovered(temperature: float) -> None:
    scores, labels = some(40_000)
    found = fit(softmax(scores * temperature), labels)
    assert found.linear == pytest.approx(1 / temperature, rel=0.05)
    assert found.quadratic == pytest.approx(0, abs=0.02)


def test_smoothing_is_undone_better_than_any_temperature_can() -> None:
    scores, labels = some(20_000)
    smoothed = 0.8 * softmax(scores) + 0.2 / 7
    mended = fit(smoothed, labels)
    temperatures = [Calibration(linear=linear, quadratic=0) for linear in np.linspace(0.5, 3, 26)]
    best = negative_log_likelihood(labels, softmax(scores))
    mended_loss, *losses = (
        negative_log_likelihood(labels, one.apply(smoothed)) - best for one in (mended, *temperatures)
    )
    assert mended.quadratic < 0
    assert mended_loss < 0.5 * min(losses)


def test_what_is_held_out_gets_better_too() -> None:
    scores, labels = some(4_000)
    overconfident = softmax(3 * scores)
    held_out = cross_fitted(overconfident, labels, target=0.85)
    assert ece(held_out.probabilities, labels) < 0.03 < ece(overconfident, labels)
    assert negative_log_likelihood(labels, held_out.probabilities) < negative_log_likelihood(labels, overconfident)


def test_a_held_out_threshold_reaches_about_its_target() -> None:
    scores, labels = some(8_000)
    held_out = cross_fitted(softmax(3 * scores), labels, target=0.85)
    correct = held_out.probabilities.argmax(axis=1) == labels
    assert 0 < held_out.reliable.mean() < 1
    assert correct[held_out.reliable].mean() == pytest.approx(0.85, abs=0.02)


def test_no_face_decides_about_itself() -> None:
    scores, labels = some(60)
    answered = softmax(scores)
    before = cross_fitted(answered, labels, target=0.5)
    changed = labels.copy()
    changed[7] = (labels[7] + 1) % 7
    after = cross_fitted(answered, changed, target=0.5)
    assert after.probabilities[7] == pytest.approx(before.probabilities[7], abs=1e-12)
    assert np.abs(after.probabilities - before.probabilities).max() > 1e-6


def test_a_target_out_of_reach_leaves_nothing_reliable() -> None:
    rng = np.random.default_rng(2)
    probabilities, labels = softmax(rng.normal(0, 1, (500, 7))), rng.integers(0, 7, 500)
    assert not cross_fitted(probabilities, labels, target=0.99).reliable.any()


def test_where_every_answer_is_right_the_fit_stays_finite() -> None:
    labels = np.arange(70) % 7
    found = fit(0.5 * np.eye(7)[labels] + 0.5 / 7, labels)
    assert np.isfinite(found.apply(np.eye(7))).all()
    assert found.linear < 1e3


def test_where_every_answer_is_wrong_the_fit_keeps_its_bounds() -> None:
    labels = np.arange(70) % 7
    found = fit(0.5 * np.eye(7)[labels - 1] + 0.5 / 7, labels)
    assert found.linear >= 0 >= found.quadratic


def test_nothing_changes_with_one_and_zero() -> None:
    probabilities = softmax(some(20)[0])
    np.testing.assert_allclose(Calibration(linear=1, quadratic=0).apply(probabilities), probabilities, atol=1e-12)


@given(st.floats(0.01, 10), st.floats(-5, 0), st.integers(0, 1000))
def test_no_answer_changes(linear: float, quadratic: float, seed: int) -> None:
    probabilities = softmax(np.random.default_rng(seed).normal(0, 5, (8, 7)))
    calibrated = Calibration(linear=linear, quadratic=quadratic).apply(probabilities)
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    np.testing.assert_array_equal(calibrated.argmax(axis=1), probabilities.argmax(axis=1))


def test_impossible_classes_stay_finite() -> None:
    calibrated = Calibration(linear=0.3, quadratic=-0.2).apply(np.eye(7, dtype=np.float32))
    np.testing.assert_allclose(calibrated, np.eye(7), atol=1e-12)
