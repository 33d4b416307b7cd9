"""How the learning rate goes over a run."""

from typing import Any

import keras
from keras import KerasTensor, ops


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
