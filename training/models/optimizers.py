"""Muon (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/) for networks with convolutions."""

import math
from typing import Any

import keras
from keras import KerasTensor, ops


class ConvolutionMuon(keras.optimizers.Muon):
    """Keras' Muon, which also takes a convolution's kernel: as the matrix from its patch to its filters.

    Keras' own leaves everything but matrices to AdamW. Here AdamW updates vectors (biases, batch
    normalisation) and the layers in ``exclude_layers``. Matrices are orthogonalised in the arithmetic that
    layers are built with, which loses nothing that matters to the iteration.
    """

    def _should_use_adamw(self, variable: keras.Variable) -> bool:
        return len(variable.shape) < 2 or any(name in variable.path for name in self.exclude_layers)

    def zeropower_via_newtonschulz5(self, x: KerasTensor, steps: int) -> KerasTensor:
        """Return the nearest semi-orthogonal matrix, in the shape of ``x``."""
        matrix = ops.cast(ops.reshape(x, (-1, x.shape[-1])), keras.config.dtype_policy().compute_dtype)
        near = super().zeropower_via_newtonschulz5(matrix, steps)
        return ops.reshape(ops.cast(near, x.dtype), x.shape)

    def lr_adjust(self, x: KerasTensor) -> KerasTensor:
        """Scale an update so that AdamW's learning rates and decay fit (Liu et al., 2025, arXiv:2502.16982)."""
        longer = max(math.prod(x.shape[:-1]), x.shape[-1])
        return x * (math.sqrt(longer) * self.rms_rate)


class Trapezoid(keras.optimizers.schedules.LearningRateSchedule):
    """Rises to its peak, stays there, and falls in a straight line to zero at the last step."""

    def __init__(self, peak: float, warmup_steps: int, decay_steps: int, total_steps: int) -> None:
        self._peak = peak
        self._warmup_steps = warmup_steps
        self._decay_steps = decay_steps
        self._total_steps = total_steps

    def __call__(self, step: int | KerasTensor) -> KerasTensor:
        """Return the learning rate of a step (from 0)."""
        at = ops.cast(step, "float32")
        risen = (at + 1) / max(1, self._warmup_steps)
        left = (self._total_steps - at) / max(1, self._decay_steps)
        return self._peak * ops.clip(ops.minimum(risen, left), 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Return what the schedule is made of; Keras calls this when it saves a model."""
        return {
            "peak": self._peak,
            "warmup_steps": self._warmup_steps,
            "decay_steps": self._decay_steps,
            "total_steps": self._total_steps,
        }
