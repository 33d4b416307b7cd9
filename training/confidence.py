"""What is fitted on validation faces once a network is trained: its calibration, and from where on it is reliable."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.calibration import Calibration, cross_fitted, fit
from training.metrics import Labels, accuracy, negative_log_likelihood
from training.reliability import calibration_error, operating_point

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
