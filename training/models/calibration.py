"""Calibration of a network's probabilities, fitted on faces it wasn't trained on.

The calibrated probabilities are the softmax of ``linear · ln p + quadratic · (ln p)²``: temperature scaling (Guo et
al., 2017) at 1 / linear, with a quadratic term. The probabilities of a network trained with smoothed labels don't
exceed about 0.95; a temperature can't correct that, the quadratic term can. Both terms keep the order of the emotions,
so calibration changes neither answers nor accuracy.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from training.metrics import Labels, accuracy, calibration_error, negative_log_likelihood, operating_point

TARGET_ACCURACY = 0.85
"""Accuracy of the answers marked reliable."""
FOLDS = 10
MIN_PROBABILITY = float(np.finfo(np.float32).tiny)
"""Lower bound of a probability before its logarithm is taken."""

_SEED = 1
_RIDGE = 1e-5
"""Penalty that pulls the parameters towards the identity, which keeps them finite if every answer is right."""


class Calibration(BaseModel):
    """The parameters of a calibration; 1 and 0 are the identity."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    linear: float = Field(ge=0)
    quadratic: float = Field(le=0)

    def apply(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the calibrated probabilities, [n, classes]."""
        logs = _logs(probabilities)
        calibrated: NDArray[np.float64] = softmax(self.linear * logs + self.quadratic * logs**2, axis=-1)
        return calibrated


@dataclass(frozen=True)
class HeldOutPredictions:
    """Each face's predictions by a calibration and a threshold fitted without it.

    Attributes:
        probabilities: float64 [n, classes].
        reliable: bool [n].
    """

    probabilities: NDArray[np.float64]
    reliable: NDArray[np.bool_]


@dataclass(frozen=True)
class Confidence:
    """What is exported with a network.

    Attributes:
        calibration: Fitted on all faces.
        threshold: The top probability, as float32, from which an answer is reliable.
        metrics: Accuracy, calibration error and negative log-likelihood; each face is evaluated by a calibration fitted
            without it.
    """

    calibration: Calibration
    threshold: float
    metrics: dict[str, float]


def fit(probabilities: NDArray[np.floating], labels: Labels) -> Calibration:
    """Return the calibration that maximises the likelihood of the labels.

    Args:
        probabilities: The network's, [n, classes].
        labels: Class indices [n].
    """
    logs = _logs(probabilities)
    features = np.stack([logs, logs**2], axis=-1)
    of_label = features[np.arange(len(labels)), labels]
    identity = np.array([1.0, 0.0])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        log_probabilities = log_softmax(features @ weights, axis=-1)
        log_likelihood = log_probabilities[np.arange(len(labels)), labels].mean()
        expected = np.einsum("nk,nkf->nf", np.exp(log_probabilities), features)
        gradient = (expected - of_label).mean(axis=0) + 2 * _RIDGE * (weights - identity)
        return float(_RIDGE * ((weights - identity) ** 2).sum() - log_likelihood), gradient

    found = minimize(
        loss,
        identity,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None), (None, 0)],
        options={"ftol": 1e-15, "gtol": 1e-9},
    )
    return Calibration(linear=float(found.x[0]), quadratic=float(found.x[1]))


def cross_fit(probabilities: NDArray[np.floating], labels: Labels, target: float) -> HeldOutPredictions:
    """Return each face's predictions by a calibration and a threshold fitted on the other folds.

    Args:
        probabilities: The network's, [n, classes].
        labels: Class indices [n].
        target: The accuracy that the threshold must reach, 0 to 1.
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
    return HeldOutPredictions(calibrated, reliable)


def fit_confidence(probabilities: NDArray[np.floating], labels: Labels) -> Confidence | None:
    """Fit calibration and threshold on a network's probabilities of faces it wasn't trained on.

    The threshold is read off the risk–coverage curve of held-out probabilities, which are no more confident than those
    of new faces.

    Args:
        probabilities: [n, classes].
        labels: Class indices [n].

    Returns:
        None if no threshold reaches the target.
    """
    held_out = cross_fit(probabilities, labels, TARGET_ACCURACY).probabilities
    confidences, predicted = held_out.max(axis=1), held_out.argmax(axis=1)
    point = operating_point(confidences, predicted == labels, TARGET_ACCURACY)
    if point is None:
        return None
    metrics = {
        "accuracy": accuracy(labels, predicted),
        "calibration_error": calibration_error(confidences, predicted == labels),
        "negative_log_likelihood": negative_log_likelihood(labels, held_out),
    }
    # float32, as the model compares it.
    return Confidence(fit(probabilities, labels), float(np.float32(point.threshold)), metrics)


def _logs(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    logs: NDArray[np.float64] = np.log(np.maximum(probabilities.astype(np.float64), MIN_PROBABILITY))
    return logs
