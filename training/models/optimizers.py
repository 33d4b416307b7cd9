"""Muon for networks with convolutions, and the learning-rate schedule."""

import math
from typing import Any

import keras
from keras import KerasTensor, ops


class ConvMuon(keras.optimizers.Muon):
    """Keras' Muon, extended to the kernels of convolutions, as matrices of patch × filters.

    See Jordan et al., 2024 (https://kellerjordan.github.io/posts/muon/). Keras' own Muon leaves everything but matrices
    to AdamW. Here AdamW updates vectors (biases, batch normalisation) and the layers in ``exclude_layers``. The
    orthogonalisation runs in the layers' compute dtype, whose precision is sufficient for it.
    """

    def _should_use_adamw(self, variable: keras.Variable) -> bool:
        return len(variable.shape) < 2 or any(name in variable.path for name in self.exclude_layers)

    def zeropower_via_newtonschulz5(self, x: KerasTensor, steps: int) -> KerasTensor:
        """Return the nearest semi-orthogonal matrix, in the shape of ``x``."""
        matrix = ops.cast(ops.reshape(x, (-1, x.shape[-1])), keras.config.dtype_policy().compute_dtype)
        orthogonal = super().zeropower_via_newtonschulz5(matrix, steps)
        return ops.reshape(ops.cast(orthogonal, x.dtype), x.shape)

    def lr_adjust(self, x: KerasTensor) -> KerasTensor:
        """Scale an update to match AdamW's learning rates and decay (Liu et al., 2025, arXiv:2502.16982)."""
        longer = max(math.prod(x.shape[:-1]), x.shape[-1])
        return x * (math.sqrt(longer) * self.rms_rate)


class TrapezoidalSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly to the peak, stays there, and falls linearly to zero at the last step."""

    def __init__(self, peak: float, warmup_steps: int, decay_steps: int, total_steps: int) -> None:
        self._peak = peak
        self._warmup_steps = warmup_steps
        self._decay_steps = decay_steps
        self._total_steps = total_steps

    def __call__(self, step: int | KerasTensor) -> KerasTensor:
        """Return the learning rate of a step (from 0)."""
        step = ops.cast(step, "float32")
        rise = (step + 1) / max(1, self._warmup_steps)
        fall = (self._total_steps - step) / max(1, self._decay_steps)
        return self._peak * ops.clip(ops.minimum(rise, fall), 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; Keras calls this when it saves a model."""
        return {
            "peak": self._peak,
            "warmup_steps": self._warmup_steps,
            "decay_steps": self._decay_steps,
            "total_steps": self._total_steps,
        }
