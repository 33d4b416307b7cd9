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
