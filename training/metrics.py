"""Figures about a classifier: pure functions over arrays."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.integer]
"""Class indices [n]."""

_Z95 = 1.959963984540054


@dataclass(frozen=True)
class ClassScores:
    """Scores of one class, 0 where they are undefined.

    Attributes:
        precision: Of the faces answered with this class, the fraction that belongs to it.
        recall: Of the faces of this class, the fraction answered with it.
        f1: The harmonic mean of both.
        faces: How many faces of this class there are.
    """

    precision: float
    recall: float
    f1: float
    faces: int


def accuracy(labels: Labels, predicted: Labels) -> float:
    """Return the fraction of faces answered rightly; NaN without faces."""
    return float(np.mean(labels == predicted)) if labels.size else math.nan


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a fraction (Wilson, 1927).

    Raises:
        ValueError: There were no trials.
    """
    if trials < 1:
        raise ValueError("an interval needs at least one trial")
    fraction, z2 = successes / trials, _Z95**2
    centre = (fraction + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z95 * math.sqrt(fraction * (1 - fraction) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


def confusion_matrix(labels: Labels, predicted: Labels, classes: int) -> NDArray[np.int64]:
    """Return counts [classes, classes]: a row per true class, a column per answer."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def class_scores(confusion: NDArray[np.int64]) -> list[ClassScores]:
    """Return the scores of each class from counts as :func:`confusion_matrix` gives them."""
    scores = []
    for index in range(len(confusion)):
        right = int(confusion[index, index])
        answered, faces = int(confusion[:, index].sum()), int(confusion[index].sum())
        f1 = 2 * right / (answered + faces) if answered + faces else 0.0
        scores.append(ClassScores(right / answered if answered else 0.0, right / faces if faces else 0.0, f1, faces))
    return scores


def negative_log_likelihood(labels: Labels, probabilities: NDArray[np.floating]) -> float:
    """Return the mean of −ln p(true class), in nats.

    Args:
        labels: Class indices [n].
        probabilities: [n, classes]; a zero counts as the smallest float32, so that the mean stays finite.
    """
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_truth, np.finfo(np.float32).tiny)).mean())


@dataclass(frozen=True)
class OperatingPoint:
    """What is gained by answering only from a threshold on.

    Attributes:
        threshold: Faces whose confidence is at or above it are answered.
        coverage: The fraction of faces answered.
        accuracy: The fraction of those answered rightly.
    """

    threshold: float
    coverage: float
    accuracy: float


@dataclass(frozen=True)
class ReliabilityBin:
    """The faces whose confidence lies in (low, high].

    Attributes:
        low: Lower edge.
        high: Upper edge.
        faces: How many there are; at least one.
        confidence: Their mean confidence.
        accuracy: The fraction of them answered rightly.
    """

    low: float
    high: float
    faces: int
    confidence: float
    accuracy: float


def reliability_bins(
    confidences: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = 15
) -> list[ReliabilityBin]:
    """Return what faces of about equal confidence have in common; bins without faces are left out.

    Args:
        confidences: Top probabilities [n].
        correct: Whether the answer was right [n].
        bins: How many bins of equal width divide (0, 1]; a confidence on an edge belongs to the bin below it.
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
    """Return the expected calibration error (Guo et al., 2017): see :func:`reliability_bins` for the arguments.

    It is the gap between confidence and accuracy of a bin, weighted by the bin's share of the faces.
    """
    gaps = (part.faces * abs(part.confidence - part.accuracy) for part in reliability_bins(confidences, correct, bins))
    return sum(gaps) / len(confidences)


def operating_point(
    confidences: NDArray[np.floating], correct: NDArray[np.bool_], target: float
) -> OperatingPoint | None:
    """Return the point of largest coverage at which the accuracy of what is answered reaches a target.

    The threshold lies halfway between the least confidence that is answered and the next one below,
    so that the last digit of a confidence decides nothing.

    Args:
        confidences: Top probabilities [n].
        correct: Whether the answer was right [n].
        target: The accuracy to reach, 0 to 1.

    Returns:
        None where no threshold reaches the target.
    """
    order = np.argsort(-confidences, kind="stable")
    falling = np.append(confidences[order].astype(np.float64), 0.0)
    accuracies = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    # Faces of equal confidence are answered together or not at all.
    reached = np.flatnonzero((accuracies >= target) & (falling[:-1] > falling[1:]))
    if not reached.size:
        return None
    last = int(reached[-1])
    threshold = float(falling[last] + falling[last + 1]) / 2
    return OperatingPoint(threshold, (last + 1) / len(order), float(accuracies[last]))
