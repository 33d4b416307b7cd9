"""What the network is taught to answer for a training face: its label, tempered by how people voted.

A label of FER2013 is one person's word, and others agree with it two times out of three. FER+ holds ten
votes for the same image, taken later and after other rules, so a vote isn't a label: here it is first
turned into the chance of each label.
"""

import numpy as np
from numpy.typing import NDArray

from services.contracts.emotions import EMOTIONS
from training.dataset import Split

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
