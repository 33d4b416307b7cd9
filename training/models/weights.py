"""A network's weights: loading them from a run, their digest, and interpolation with the initial weights."""

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
def dtype_policy(name: str) -> Iterator[None]:
    """Build layers with this Keras dtype policy inside the block: ``float32`` or ``mixed_bfloat16``."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def load_trained_network(checkpoint: Path, recipe: Recipe, precision: str = "float32") -> keras.Model:
    """Return the network of a checkpoint in this precision, independent of the precision it was trained in.

    Raises:
        RunError: The checkpoint is missing, damaged, or of another network than the recipe's.
    """
    if not checkpoint.exists():
        raise RunError(f"{checkpoint} is missing: no epoch has finished yet")
    with dtype_policy(precision):
        network = build_network(recipe.network, recipe.seed)
    load_weights(network, checkpoint)
    return network


def load_weights(network: keras.Model, checkpoint: Path) -> None:
    """Load a checkpoint's weights into a network, and its optimizer's state if the optimizer is built.

    Raises:
        RunError: The checkpoint is damaged, or of another network.
    """
    try:
        network.load_weights(checkpoint)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise RunError(f"{checkpoint} can't be read: {error}") from error


def weights_digest(network: keras.Model) -> str:
    """Return the SHA-256 of a network's weights, independent of the file they were loaded from."""
    digest = hashlib.sha256()
    for values in network.get_weights():
        digest.update(values.tobytes())
    return digest.hexdigest()


class InterpolateWithInit(keras.callbacks.Callback):
    """Replaces the final weights by a weighted mean of the initial and the final ones.

    Weights of networks fine-tuned from the same initialisation can be averaged (Wortsman et al., 2022,
    arXiv:2109.01903); the mean is more accurate than either. The callback acts before the last epoch is validated and
    saved.
    """

    def __init__(self, initial: Sequence[NDArray[np.float32]], weight: float, last_epoch: int) -> None:
        """Create the callback.

        Args:
            initial: The initial weights, in the order of ``get_weights``.
            weight: Their weight in the mean, 0–1.
            last_epoch: Counted from 0.
        """
        super().__init__()
        self._initial = initial
        self._weight = weight
        self._last_epoch = last_epoch
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002  # Keras passes it
        """Record the epoch."""
        self._epoch = epoch

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002  # Keras passes it
        """Interpolate before the last validation: with every backend, the model's weights are up to date here."""
        if self._epoch == self._last_epoch:
            interpolated = (
                final * (1 - self._weight) + initial * self._weight
                for final, initial in zip(self.model.get_weights(), self._initial, strict=True)
            )
            self.model.set_weights(list(interpolated))
