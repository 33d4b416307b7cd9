"""Gets the network out of a run."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import numpy as np
from numpy.typing import NDArray

from training.config import Recipe
from training.models.cnn_bilstm import build_network
from training.run_dir import RunError


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Build layers in this arithmetic inside the block: ``float32`` or ``mixed_bfloat16``."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def trained_network(checkpoint: Path, recipe: Recipe, arithmetic: str = "float32") -> keras.Model:
    """Return the network of a checkpoint, in this arithmetic whatever it was trained in.

    Raises:
        RunError: The checkpoint is missing, damaged, or of another network than the recipe's.
    """
    if not checkpoint.exists():
        raise RunError(f"{checkpoint} is missing: no epoch has ended yet")
    with precision(arithmetic):
        network = build_network(recipe.network, recipe.seed)
    load_weights(network, checkpoint)
    return network


def load_weights(network: keras.Model, checkpoint: Path) -> None:
    """Put a checkpoint's weights into a network, and its optimizer's state where that was built.

    Raises:
        RunError: The checkpoint is damaged, or of another network.
    """
    try:
        network.load_weights(checkpoint)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise RunError(f"{checkpoint} can't be read: {error}") from error


def weights_digest(network: keras.Model) -> str:
    """Return a SHA-256 of a network's weights, which is the same wherever and whenever they were saved."""
    digest = hashlib.sha256()
    for values in network.get_weights():
        digest.update(values.tobytes())
    return digest.hexdigest()


class TowardsStart(keras.callbacks.Callback):
    """Mixes a network's first weights into its last ones, before the last epoch is validated and kept."""

    def __init__(self, start: Sequence[NDArray[np.float32]], share: float, last_epoch: int) -> None:
        """Keep what is mixed in.

        Args:
            start: The first weights, as the network lists its own.
            share: How much of each weight they make up, 0–1.
            last_epoch: From 0.
        """
        super().__init__()
        self._start = start
        self._share = share
        self._last_epoch = last_epoch
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002  # Keras gives it
        """Note which epoch it is; Keras calls this."""
        self._epoch = epoch

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002  # Keras gives it
        """Mix before the last validation; Keras calls this, with any backend, once a step's weights are the model's."""
        if self._epoch == self._last_epoch:
            mixed = (
                own * (1 - self._share) + first * self._share
                for own, first in zip(self.model.get_weights(), self._start, strict=True)
            )
            self.model.set_weights(list(mixed))
