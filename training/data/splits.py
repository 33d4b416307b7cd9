"""The training and validation rows of a run, and digests that identify them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.detector.preprocess import as_model_input
from training.data.fer2013 import VALIDATION, Split, check_published, deduplicated_training, read_splits, require_usage
from training.data.ferplus import with_votes


@dataclass(frozen=True)
class Digests:
    """Digests that identify the data of a run.

    They cover the rows that are used, not the files: ``fer2013.csv`` is the same data with and without
    ``PrivateTest``, and with any line endings.

    Attributes:
        data: SHA-256 of the digests of the training and validation rows.
        votes: SHA-256 of the votes about the training rows; None for training on labels alone.
    """

    data: str
    votes: str | None = None


@dataclass(frozen=True)
class TrainingData:
    """The data of a run.

    Attributes:
        training: Training rows, with votes if there are any.
        validation: Validation rows.
        left_out: Number of training rows left out because their pixels are also in a later split.
        warnings: Differences from the published file, a sentence each.
    """

    training: Split
    validation: Split
    left_out: int
    warnings: tuple[str, ...]

    @property
    def digests(self) -> Digests:
        """Digests that identify this data."""
        data = hashlib.sha256(f"{self.training.sha256} {self.validation.sha256}".encode())
        votes = self.training.votes
        return Digests(data.hexdigest(), None if votes is None else _votes_sha256(votes))


def read_training_data(data: Path, votes: Path | None = None) -> TrainingData:
    """Read the data of a run.

    Args:
        data: The published ``fer2013.csv``.
        votes: The published ``fer2013new.csv``, to train on votes too.

    Raises:
        DatasetError: A file can't be used, or holds no row to train or to validate on.
    """
    splits = read_splits(data)
    if votes:
        splits = with_votes(splits, votes)
    training, left_out = deduplicated_training(splits, data)
    return TrainingData(training, require_usage(splits, VALIDATION, data), left_out, tuple(check_published(splits)))


def to_model_input(images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Return uint8 [n, 48, 48] images as the model's input, float32 [n, 48, 48, 1] in [0, 1]; n is at least 1."""
    return np.stack([as_model_input(image) for image in images])


def _votes_sha256(votes: NDArray[np.float32]) -> str:
    return hashlib.sha256(votes.astype("<f4").tobytes()).hexdigest()
