import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.metrics import calibration_error, negative_log_likelihood
from training.models.calibration import Calibration, cross_fit, fit

Array = NDArray[np.float64]


def softmax(scores: Array) -> Array:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Array = raised / raised.sum(axis=1, keepdims=True)
    return shares


def draw_labels(probabilities: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw a label for each row, so that the probabilities are calibrated by construction."""
    labels: NDArray[np.int64] = np.argmax(probabilities.cumsum(axis=1) > rng.random((len(probabilities), 1)), axis=1)
    return labels


def calibrated_scores(rows: int, seed: int = 1) -> tuple[Array, NDArray[np.int64]]:
    """Return scores, and labels drawn from their softmax."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 2, (rows, 7))
    return scores, draw_labels(softmax(scores), rng)


def ece(probabilities: Array, labels: NDArray[np.int64]) -> float:
    return calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_a_known_temperature_is_recovered(temperature: float) -> None:
    scores, labels = calibrated_scores(10_000)
    found = fit(softmax(scores * temperature), labels)
    assert found.linear == pytest.approx(1 / temperature, rel=0.1)
    assert found.quadratic == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(
    ("scale", "smoothing", "linear", "quadratic"),
    [(3.0, 0.0, 0.32774170, 0.0), (1.0, 0.2, 0.64921479, -0.20336325), (0.4, 0.0, 2.45782979, 0.0)],
)
def test_the_optimum_is_that_of_newtons_method(scale: float, smoothing: float, linear: float, quadratic: float) -> None:
    """The expected values were computed by Newton's method to a step of 1e-9."""
    scores, labels = calibrated_scores(500)
    found = fit((1 - smoothing) * softmax(scale * scores) + smoothing / 7, labels)
    assert (found.linear, found.quadratic) == pytest.approx((linear, quadratic), abs=1e-6)


def test_the_quadratic_term_corrects_label_smoothing_better_than_any_temperature() -> None:
    scores, labels = calibrated_scores(4_000)
    smoothed = 0.8 * softmax(scores) + 0.2 / 7
    fitted = fit(smoothed, labels)
    temperatures = [Calibration(linear=linear, quadratic=0) for linear in np.linspace(0.5, 3, 11)]
    best = negative_log_likelihood(labels, softmax(scores))
    fitted_loss, *losses = (
        negative_log_likelihood(labels, one.apply(smoothed)) - best for one in (fitted, *temperatures)
    )
    assert fitted.quadratic < 0
    assert fitted_loss < 0.5 * min(losses)


def test_held_out_probabilities_are_better_calibrated() -> None:
    scores, labels = calibrated_scores(4_000)
    overconfident = softmax(3 * scores)
    held_out = cross_fit(overconfident, labels, target=0.85)
    assert ece(held_out.probabilities, labels) < 0.03 < ece(overconfident, labels)
    assert negative_log_likelihood(labels, held_out.probabilities) < negative_log_likelihood(labels, overconfident)


def test_a_held_out_threshold_reaches_its_target_approximately() -> None:
    scores, labels = calibrated_scores(4_000)
    held_out = cross_fit(softmax(3 * scores), labels, target=0.85)
    correct = held_out.probabilities.argmax(axis=1) == labels
    assert 0 < held_out.reliable.mean() < 1
    assert correct[held_out.reliable].mean() == pytest.approx(0.85, abs=0.02)


def test_a_label_does_not_affect_its_own_face() -> None:
    scores, labels = calibrated_scores(60)
    probabilities = softmax(scores)
    before = cross_fit(probabilities, labels, target=0.5)
    changed = labels.copy()
    changed[7] = (labels[7] + 1) % 7
    after = cross_fit(probabilities, changed, target=0.5)
    assert after.probabilities[7] == pytest.approx(before.probabilities[7], abs=1e-12)
    assert np.abs(after.probabilities - before.probabilities).max() > 1e-6


def test_without_a_threshold_no_answer_is_reliable() -> None:
    rng = np.random.default_rng(2)
    probabilities, labels = softmax(rng.normal(0, 1, (500, 7))), rng.integers(0, 7, 500)
    assert not cross_fit(probabilities, labels, target=0.99).reliable.any()


def test_the_fit_is_finite_if_every_answer_is_correct() -> None:
    labels = np.arange(70) % 7
    found = fit(0.5 * np.eye(7)[labels] + 0.5 / 7, labels)
    assert np.isfinite(found.apply(np.eye(7))).all()
    assert found.linear < 1e3


def test_the_fit_keeps_its_bounds_if_every_answer_is_wrong() -> None:
    labels = np.arange(70) % 7
    found = fit(0.5 * np.eye(7)[labels - 1] + 0.5 / 7, labels)
    assert found.linear >= 0 >= found.quadratic


def test_one_and_zero_are_the_identity() -> None:
    probabilities = softmax(calibrated_scores(20)[0])
    np.testing.assert_allclose(Calibration(linear=1, quadratic=0).apply(probabilities), probabilities, atol=1e-12)


@settings(deadline=None)
@given(st.floats(0.01, 10), st.floats(-5, 0), st.integers(0, 1000))
def test_calibration_changes_no_answer(linear: float, quadratic: float, seed: int) -> None:
    probabilities = softmax(np.random.default_rng(seed).normal(0, 5, (8, 7)))
    calibrated = Calibration(linear=linear, quadratic=quadratic).apply(probabilities)
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    np.testing.assert_array_equal(calibrated.argmax(axis=1), probabilities.argmax(axis=1))


def test_zero_probabilities_stay_finite() -> None:
    calibrated = Calibration(linear=0.3, quadratic=-0.2).apply(np.eye(7, dtype=np.float32))
    np.testing.assert_allclose(calibrated, np.eye(7), atol=1e-12)
