"""Metrics of a classifier and of its confidence: pure functions over arrays."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.integer]
"""Class indices [n]."""

_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Predictions:
    """A model's outputs for n faces.

    Attributes:
        probabilities: Floats [n, 7].
        reliable: bool [n].
    """

    probabilities: NDArray[np.floating]
    reliable: NDArray[np.bool_]


@dataclass(frozen=True)
class ClassScores:
    """Scores of one class; 0 if undefined.

    Attributes:
        precision: Fraction of the faces predicted as this class that belong to it.
        recall: Fraction of the faces of this class that are predicted as it.
        f1: The harmonic mean of both.
        faces: Number of faces of this class.
    """

    precision: float
    recall: float
    f1: float
    faces: int


def accuracy(labels: Labels, predicted: Labels) -> float:
    """Return the fraction of correct answers; NaN without faces."""
    return float(np.mean(labels == predicted)) if labels.size else math.nan


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a fraction (Wilson, 1927).

    Raises:
        ValueError: ``trials`` is less than 1.
    """
    if trials < 1:
        raise ValueError("an interval needs at least one trial")
    fraction, z2 = successes / trials, _Z95**2
    centre = (fraction + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z95 * math.sqrt(fraction * (1 - fraction) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


def confusion_matrix(labels: Labels, predicted: Labels, classes: int) -> NDArray[np.int64]:
    """Return counts [classes, classes]: a row per true class, a column per predicted class."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def class_scores(confusion: NDArray[np.int64]) -> list[ClassScores]:
    """Return the scores of each class from a :func:`confusion_matrix`."""
    scores = []
    for index in range(len(confusion)):
        correct = int(confusion[index, index])
        predicted, faces = int(confusion[:, index].sum()), int(confusion[index].sum())
        f1 = 2 * correct / (predicted + faces) if predicted + faces else 0.0
        scores.append(
            ClassScores(correct / predicted if predicted else 0.0, correct / faces if faces else 0.0, f1, faces)
        )
    return scores


def negative_log_likelihood(labels: Labels, probabilities: NDArray[np.floating]) -> float:
    """Return the mean of −ln p(true class), in nats.

    Args:
        labels: Class indices [n].
        probabilities: [n, classes]; a zero is replaced by the smallest float32, so that the mean is finite.
    """
    of_label = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_label, np.finfo(np.float32).tiny)).mean())


@dataclass(frozen=True)
class OperatingPoint:
    """A confidence threshold with its coverage and accuracy.

    Attributes:
        threshold: Faces with at least this confidence are accepted.
        coverage: Fraction of faces accepted.
        accuracy: Fraction of the accepted faces with a correct answer.
    """

    threshold: float
    coverage: float
    accuracy: float


@dataclass(frozen=True)
class ReliabilityBin:
    """The faces with a confidence in (low, high].

    Attributes:
        low: Lower edge.
        high: Upper edge.
        faces: Number of faces; at least one.
        confidence: Their mean confidence.
        accuracy: Their accuracy.
    """

    low: float
    high: float
    faces: int
    confidence: float
    accuracy: float


def reliability_bins(
    confidences: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = 15
) -> list[ReliabilityBin]:
    """Return the bins of a reliability diagram; bins without faces are left out.

    Args:
        confidences: Top probabilities [n].
        correct: Whether the answer is correct [n].
        bins: Number of bins of equal width that divide (0, 1]; a confidence on an edge belongs to the bin below it.
    """
    edges = np.linspace(0, 1, bins + 1)
    bin_of = np.digitize(confidences, edges[1:-1], right=True)
    return [
        ReliabilityBin(
            low=float(edges[index]),
            high=float(edges[index + 1]),
            faces=int(inside.sum()),
            confidence=float(confidences[inside].mean(dtype=np.float64)),
            accuracy=float(correct[inside].mean()),
        )
        for index in range(bins)
        if (inside := bin_of == index).any()
    ]


def calibration_error(confidences: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = 15) -> float:
    """Return the expected calibration error (Guo et al., 2017); see :func:`reliability_bins` for the arguments.

    It is the mean gap between confidence and accuracy of the bins, weighted by their faces.
    """
    gaps = (part.faces * abs(part.confidence - part.accuracy) for part in reliability_bins(confidences, correct, bins))
    return sum(gaps) / len(confidences)


def operating_point(
    confidences: NDArray[np.floating], correct: NDArray[np.bool_], target: float
) -> OperatingPoint | None:
    """Return the operating point of largest coverage whose accuracy reaches a target.

    The threshold is halfway between the lowest accepted confidence and the next one below, so that rounding doesn't
    change a decision.

    Args:
        confidences: Top probabilities [n].
        correct: Whether the answer is correct [n].
        target: The accuracy to reach, 0 to 1.

    Returns:
        None if no threshold reaches the target.
    """
    order = np.argsort(-confidences, kind="stable")
    falling = np.append(confidences[order].astype(np.float64), 0.0)
    accuracies = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    # Faces of equal confidence are accepted together or not at all.
    reached = np.flatnonzero((accuracies >= target) & (falling[:-1] > falling[1:]))
    if not reached.size:
        return None
    last = int(reached[-1])
    threshold = float(falling[last] + falling[last + 1]) / 2
    return OperatingPoint(threshold, (last + 1) / len(order), float(accuracies[last]))
