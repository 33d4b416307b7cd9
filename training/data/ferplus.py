"""Reads FER+ in its published form, ``fer2013new.csv``: ten people's votes about each image of FER2013.

The file (Barsoum et al., “Training deep networks for facial expression recognition with crowd-sourced label
distribution”, 2016, arXiv:1608.01041) has a line for each line of ``fer2013.csv``, in the same order.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.contracts.emotions import EMOTIONS, Emotion
from training.data.fer2013 import DatasetError, Split, as_usage, parsed_rows

_NAMES: dict[str, Emotion | None] = {
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
"""Each column of votes → the emotion it is about; NF is “not a face”."""

_COLUMNS = ["Usage", "Image name", *_NAMES]
_COLUMN_OF = [list(_NAMES.values()).index(emotion) for emotion in EMOTIONS]


def votes_beside(data: Path) -> Path | None:
    """Return the published ``fer2013new.csv`` if it lies beside a ``fer2013.csv``."""
    votes = data.with_name("fer2013new.csv")
    return votes if votes.exists() else None


def read_votes(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read how people's votes about each image divide over our seven emotions.

    Returns:
        For each usage float32 [n, 7], rows in the order of ``fer2013.csv``. A row's sum is 1, or 0
        where nobody voted for one of the seven: contempt, unknown, not a face, or left out of FER+.

    Raises:
        DatasetError: The file can't be read, or a line isn't a usage, a name and ten counts.
    """
    counts: dict[str, list[list[int]]] = {}
    for usage, row in parsed_rows(path, _COLUMNS, _parse):
        counts.setdefault(usage, []).append(row)
    if not counts:
        raise DatasetError(f"{path}: no rows after the header")
    return {usage: _shares(np.array(rows, np.float32)) for usage, rows in counts.items()}


def with_votes(splits: dict[str, Split], path: Path) -> dict[str, Split]:
    """Return the splits of a ``fer2013.csv`` with the votes of a ``fer2013new.csv`` beside the labels.

    Raises:
        DatasetError: The file can't be used, or has another number of rows for a usage.
    """
    votes = read_votes(path)
    for usage, split in splits.items():
        rows = len(votes.get(usage, ()))
        if rows != len(split):
            raise DatasetError(f"{path}: {rows:,} rows with usage {usage}, where the images have {len(split):,}")
    return {usage: replace(split, votes=votes[usage]) for usage, split in splits.items()}


def _shares(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    votes = counts.sum(axis=1, keepdims=True)
    shares: NDArray[np.float32] = counts / np.maximum(votes, 1)
    return shares


def _parse(cells: list[str]) -> tuple[str, list[int]]:
    counts = [_count(text) for text in cells[2:]]
    return as_usage(cells[0]), [counts[column] for column in _COLUMN_OF]


def _count(text: str) -> int:
    # Not int() alone: it would take -1 and 1_0 for votes.
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text[:20]!r} is no count of votes (is the file truncated?)")
    return int(text)


_VOTERS = 10
_STEPS = 1000
_STEP_SIZE = 0.3
_MOMENTUM = 0.9


def targets(split: Split, vote_weight: float, label_smoothing: float) -> NDArray[np.float32]:
    """Return a distribution over the emotions for each row, float32 [n, 7].

    Args:
        split: Training rows, with or without votes.
        vote_weight: Share of the votes' word in the target, 0–1; the label has the rest. Without votes
            the label has all.
        label_smoothing: Share of a label's word that is spread evenly over the emotions, 0–1.
    """
    certain = np.eye(len(EMOTIONS), dtype=np.float32)[split.labels]
    labels = certain * (1 - label_smoothing) + label_smoothing / len(EMOTIONS)
    if split.votes is None or not vote_weight:
        return labels
    mixed: NDArray[np.float32] = labels * (1 - vote_weight) + label_chances(split.votes, split.labels) * vote_weight
    return mixed.astype(np.float32)


def label_chances(votes: NDArray[np.float32], labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the chance of each label given the votes, by softmax regression on these rows.

    Args:
        votes: float32 [n, 7], shares, or zeros where nobody voted.
        labels: uint8 [n].

    Returns:
        float32 [n, 7], rows that sum to 1.
    """
    known = np.hstack([votes, np.log1p(votes * _VOTERS), votes.sum(axis=1, keepdims=True), np.ones((len(votes), 1))])
    wanted = np.eye(len(EMOTIONS))[labels]
    weights = np.zeros((known.shape[1], len(EMOTIONS)))
    velocity = np.zeros_like(weights)
    for _ in range(_STEPS):
        gradient = known.T @ (_softmax(known @ weights) - wanted) / len(known)
        velocity = _MOMENTUM * velocity - _STEP_SIZE * gradient
        weights += velocity
    return _softmax(known @ weights).astype(np.float32)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares
