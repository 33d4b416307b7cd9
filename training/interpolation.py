"""Ends a run between its start and where it came, which errs less than either.

After Wortsman et al., 2022 (arXiv:2109.01903): networks trained further from the same weights can be averaged.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


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
