"""What a run is made from: the rows to train on, those to validate on, and what tells them from others."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.detector.preprocess import as_model_input
from training.data.fer2013 import VALIDATION, Split, read_splits, require, training_rows, unlike_published
from training.data.ferplus import with_votes


@dataclass(frozen=True)
class Digests:
    """What tells the data of one run from that of another.

    They are of what is used, not of the files: the published ``fer2013.csv`` is the same data with and without
    ``PrivateTest``, and however its lines end.

    Attributes:
        data: SHA-256 of the digests of the rows to train on and of those to validate on.
        votes: SHA-256 of the votes about the rows to train on; none where labels alone are taught.
    """

    data: str
    votes: str | None = None


@dataclass(frozen=True)
class TrainingData:
    """What a run is made from.

    Attributes:
        training: Rows to train on, with votes where there are some.
        validation: Rows to validate on.
        left_out: How many rows to train on were left out, since their pixels stand in a later split.
        doubts: In what the file isn't like the published one, a sentence each.
    """

    training: Split
    validation: Split
    left_out: int
    doubts: tuple[str, ...]

    @property
    def digests(self) -> Digests:
        """What tells this data from other data."""
        data = hashlib.sha256(f"{self.training.sha256} {self.validation.sha256}".encode())
        votes = self.training.votes
        return Digests(data.hexdigest(), None if votes is None else _votes_sha256(votes))


def read_training_data(data: Path, votes: Path | None = None) -> TrainingData:
    """Read what a run is made from.

    Args:
        data: The published ``fer2013.csv``.
        votes: The published ``fer2013new.csv``, if votes are taught.

    Raises:
        DatasetError: A file can't be used, or holds nothing to train or to validate on.
    """
    splits = read_splits(data)
    if votes:
        splits = with_votes(splits, votes)
    training, left_out = training_rows(splits, data)
    return TrainingData(training, require(splits, VALIDATION, data), left_out, tuple(unlike_published(splits)))


def _votes_sha256(votes: NDArray[np.float32]) -> str:
    return hashlib.sha256(votes.astype("<f4").tobytes()).hexdigest()


def as_faces(images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Return uint8 [n, 48, 48] images as the model's input, float32 [n, 48, 48, 1] in [0, 1]; n is at least 1."""
    return np.stack([as_model_input(image) for image in images])
