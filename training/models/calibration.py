"""Makes a network's probabilities mean what they say: fitted on faces that it wasn't trained on.

Temperature scaling (Guo et al., 2017) with one term more: of a network's probabilities p it makes the softmax
of ``linear · ln p + quadratic · (ln p)²``. Without the second term that is temperature scaling at
1 / linear. A network trained with smoothed labels never says more than about 0.95, however sure it
could be, and no temperature bends that back; the square does. Both terms keep the order of the
emotions, so calibration changes no answer and no accuracy.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from training.metrics import Labels, accuracy, calibration_error, negative_log_likelihood, operating_point

FOLDS = 10
SMALLEST = float(np.finfo(np.float32).tiny)
"""What a probability of zero counts as, so that its logarithm is finite."""

_SEED = 1
_NEWTON_STEPS = 50
_CLOSE_ENOUGH = 1e-9
_PULL = 1e-5


class Calibration(BaseModel):
    """The two numbers that calibrate; with 1 and 0 nothing changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    linear: float = Field(ge=0)
    quadratic: float = Field(le=0)

    def apply(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the calibrated probabilities, [n, classes] like those given."""
        logs = _logs(probabilities)
        return _softmax(self.linear * logs + self.quadratic * logs**2)


@dataclass(frozen=True)
class CrossFitted:
    """What each face gets from a calibration and a threshold that were fitted without it.

    Attributes:
        probabilities: float64 [n, classes].
        reliable: bool [n].
    """

    probabilities: NDArray[np.float64]
    reliable: NDArray[np.bool_]


def fit(probabilities: NDArray[np.floating], labels: Labels) -> Calibration:
    """Return the calibration under which the labels are likeliest.

    Args:
        probabilities: What the network said, [n, classes].
        labels: Class indices [n].
    """
    logs = _logs(probabilities)
    both = np.stack([logs, logs**2], axis=-1)
    linear, quadratic = _most_likely(both, labels)
    # The likelihood is concave: where the free optimum breaks a bound, the best lies on that bound.
    if quadratic > 0:
        return Calibration(linear=max(0.0, *_most_likely(both[..., :1], labels)), quadratic=0)
    if linear < 0:
        return Calibration(linear=0, quadratic=min(0.0, *_most_likely(both[..., 1:], labels)))
    return Calibration(linear=linear, quadratic=quadratic)


def cross_fitted(probabilities: NDArray[np.floating], labels: Labels, target: float) -> CrossFitted:
    """Return what each face gets from a calibration and a threshold fitted on the other folds.

    Args:
        probabilities: What the network said, [n, classes].
        labels: Class indices [n].
        target: The accuracy that the threshold shall reach, 0 to 1.
    """
    fold_of = np.random.default_rng(_SEED).permutation(len(labels)) % FOLDS
    calibrated = np.empty(probabilities.shape, np.float64)
    reliable = np.zeros(len(labels), np.bool_)
    for fold in np.unique(fold_of):
        held_out = fold_of == fold
        calibration = fit(probabilities[~held_out], labels[~held_out])
        calibrated[held_out] = calibration.apply(probabilities[held_out])
        others = calibration.apply(probabilities[~held_out])
        point = operating_point(others.max(axis=1), others.argmax(axis=1) == labels[~held_out], target)
        if point is not None:
            reliable[held_out] = calibrated[held_out].max(axis=1) >= point.threshold
    return CrossFitted(calibrated, reliable)


def _most_likely(features: NDArray[np.float64], labels: Labels) -> list[float]:
    """Return the weights [f] of features [n, classes, f] whose softmax makes the labels likeliest, by Newton's method.

    A slight pull towards "nothing changes" keeps them finite where every answer is right.
    """
    of_truth = features[np.arange(len(labels)), labels]
    start = np.eye(features.shape[-1])[0]

    def loss(weights: NDArray[np.float64]) -> float:
        return float(
            (_log_sum(features @ weights) - of_truth @ weights).mean() + _PULL * ((weights - start) ** 2).sum()
        )

    weights = start
    for _ in range(_NEWTON_STEPS):
        shares = _softmax(features @ weights)
        expected = np.einsum("nk,nkf->nf", shares, features)
        gradient = (expected - of_truth).mean(axis=0) + 2 * _PULL * (weights - start)
        curvature = np.einsum("nk,nkf,nkg->fg", shares, features, features) - expected.T @ expected
        step = np.linalg.solve(curvature / len(labels) + 2 * _PULL * np.eye(len(start)), gradient)
        # Far from the optimum a whole step may lead astray.
        while np.abs(step).max() > _CLOSE_ENOUGH and loss(weights - step) > loss(weights):
            step = step / 2
        weights = weights - step
        if np.abs(step).max() <= _CLOSE_ENOUGH:
            break
    return [float(weight) for weight in weights]


def _log_sum(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    top = scores.max(axis=-1)
    total: NDArray[np.float64] = top + np.log(np.exp(scores - top[:, np.newaxis]).sum(axis=-1))
    return total


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def _logs(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    logs: NDArray[np.float64] = np.log(np.maximum(probabilities.astype(np.float64), SMALLEST))
    return logs


TARGET_ACCURACY = 0.85
"""Of the answers that are told as reliable."""


@dataclass(frozen=True)
class Confidence:
    """What goes into the exported model beside the network.

    Attributes:
        calibration: Fitted on all faces given.
        threshold: The top probability, as float32, from which an answer is reliable.
        figures: Accuracy, calibration error and negative log-likelihood, each face judged by a
            calibration fitted without it.
    """

    calibration: Calibration
    threshold: float
    figures: dict[str, float]


def fitted_confidence(probabilities: NDArray[np.floating], labels: Labels) -> Confidence | None:
    """Fit calibration and threshold on what a network said about faces it wasn't trained on.

    The threshold is read off the risk–coverage curve of cross-fitted probabilities, which aren't surer
    than they will be about new faces.

    Args:
        probabilities: [n, classes].
        labels: Class indices [n].

    Returns:
        None where no threshold reaches the target.
    """
    held_out = cross_fitted(probabilities, labels, TARGET_ACCURACY).probabilities
    confidences, predicted = held_out.max(axis=1), held_out.argmax(axis=1)
    point = operating_point(confidences, predicted == labels, TARGET_ACCURACY)
    if point is None:
        return None
    figures = {
        "accuracy": accuracy(labels, predicted),
        "calibration_error": calibration_error(confidences, predicted == labels),
        "negative_log_likelihood": negative_log_likelihood(labels, held_out),
    }
    # As the model compares it.
    return Confidence(fit(probabilities, labels), float(np.float32(point.threshold)), figures)
