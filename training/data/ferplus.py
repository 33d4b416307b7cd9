"""FER+: ten people's votes about each image of FER2013, and the soft labels made from them.

The file ``fer2013new.csv`` (Barsoum et al., “Training deep networks for facial expression recognition with
crowd-sourced label distribution”, 2016, arXiv:1608.01041) has a line for each line of ``fer2013.csv``, in the same
order.

A label of FER2013 is the decision of one person, with which others agree two times out of three. The votes were taken
later and under other rules, so they are first converted to probabilities of FER2013's labels.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from services.contracts.emotions import EMOTIONS, Emotion
from training.data.fer2013 import DatasetError, Split, as_usage, parsed_rows

_EMOTION_OF_COLUMN: dict[str, Emotion | None] = {
    "neutral": Emotion.NEUTRAL,
    "happiness": Emotion.HAPPY,
    "surprise": Emotion.SURPRISE,
    "sadness": Emotion.SAD,
    "anger": Emotion.ANGRY,
    "disgust": Emotion.DISGUST,
    "fear": Emotion.FEAR,
    "contempt": None,
    "unknown": None,
    "NF": None,
}
"""Column of votes → its emotion; NF means “not a face”."""

_COLUMNS = ["Usage", "Image name", *_EMOTION_OF_COLUMN]
_COLUMN_INDEX = [list(_EMOTION_OF_COLUMN.values()).index(emotion) for emotion in EMOTIONS]

_VOTERS = 10
_RIDGE = 1e-4
"""Penalty on the squared weights of the regression, which keeps them finite if votes determine the labels."""


def find_votes(data: Path) -> Path | None:
    """Return the published ``fer2013new.csv`` if it is in the directory of ``fer2013.csv``."""
    votes = data.with_name("fer2013new.csv")
    return votes if votes.exists() else None


def read_votes(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read the distribution of votes about each image over the seven emotions.

    Returns:
        For each usage float32 [n, 7], in the order of ``fer2013.csv``. A row sums to 1, or to 0 if it has no vote for
        one of the seven: contempt, unknown, not a face, or left out of FER+.

    Raises:
        DatasetError: The file can't be read, or a line isn't a usage, a name and ten counts.
    """
    counts: dict[str, list[list[int]]] = {}
    for usage, row in parsed_rows(path, _COLUMNS, _parse):
        counts.setdefault(usage, []).append(row)
    if not counts:
        raise DatasetError(f"{path}: no rows after the header")
    return {usage: _normalized(np.array(rows, np.float32)) for usage, rows in counts.items()}


def with_votes(splits: dict[str, Split], path: Path) -> dict[str, Split]:
    """Return the splits of a ``fer2013.csv`` with the votes of a ``fer2013new.csv``.

    Raises:
        DatasetError: The file can't be used, or has another number of rows for a usage.
    """
    votes = read_votes(path)
    for usage, split in splits.items():
        rows = len(votes.get(usage, ()))
        if rows != len(split):
            raise DatasetError(f"{path}: {rows:,} rows with usage {usage}, but the images have {len(split):,}")
    return {usage: replace(split, votes=votes[usage]) for usage, split in splits.items()}


def training_targets(split: Split, soft_label_weight: float, label_smoothing: float) -> NDArray[np.float32]:
    """Return the target distribution of each row, float32 [n, 7].

    Args:
        split: Training rows, with or without votes.
        soft_label_weight: Weight of the soft label in the target, 0–1; the label has the rest. Without votes the label
            has a weight of 1.
        label_smoothing: Fraction of the label that is spread evenly over the emotions, 0–1.
    """
    one_hot = np.eye(len(EMOTIONS), dtype=np.float32)[split.labels]
    labels = one_hot * (1 - label_smoothing) + label_smoothing / len(EMOTIONS)
    if split.votes is None or not soft_label_weight:
        return labels
    soft_labels = label_probabilities(split.votes, split.labels)
    mixed: NDArray[np.float32] = labels * (1 - soft_label_weight) + soft_labels * soft_label_weight
    return mixed.astype(np.float32)


def label_probabilities(votes: NDArray[np.float32], labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probability of each label given the votes, by multinomial logistic regression on these rows.

    Args:
        votes: float32 [n, 7], distributions, or zeros for rows without votes.
        labels: uint8 [n].

    Returns:
        float32 [n, 7], rows that sum to 1.
    """
    features = np.hstack([votes, np.log1p(votes * _VOTERS), votes.sum(axis=1, keepdims=True), np.ones((len(votes), 1))])
    one_hot = np.eye(len(EMOTIONS))[labels]
    shape = (features.shape[1], len(EMOTIONS))

    def loss(flat_weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat_weights.reshape(shape)
        log_probabilities = log_softmax(features @ weights, axis=1)
        value = -(one_hot * log_probabilities).sum() / len(features) + _RIDGE * (weights**2).sum()
        gradient = features.T @ (np.exp(log_probabilities) - one_hot) / len(features) + 2 * _RIDGE * weights
        return float(value), gradient.ravel()

    found = minimize(loss, np.zeros(shape[0] * shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 1000})
    probabilities: NDArray[np.float64] = softmax(features @ found.x.reshape(shape), axis=1)
    return probabilities.astype(np.float32)


def _normalized(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    votes = counts.sum(axis=1, keepdims=True)
    distributions: NDArray[np.float32] = counts / np.maximum(votes, 1)
    return distributions


def _parse(cells: list[str]) -> tuple[str, list[int]]:
    counts = [_count(text) for text in cells[2:]]
    return as_usage(cells[0]), [counts[column] for column in _COLUMN_INDEX]


def _count(text: str) -> int:
    # int() alone would accept -1 and 1_0.
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text[:20]!r} is not a count of votes (is the file truncated?)")
    return int(text)
