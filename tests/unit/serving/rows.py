"""A computation without a model: it doubles rows, and remembers what it was asked."""

import numpy as np

from services.serving.errors import InvalidArgumentError
from services.serving.signature import Array, Computation, InputSpec, Signature
from services.serving.together import Outputs

DOUBLE = Signature("double", {"x": InputSpec("x", "float32", np.dtype("float32"), (None, None))}, ("y",), has_rows=True)


def rows(*values: list[float]) -> Computation:
    return DOUBLE.prepare({"x": np.array(values, np.float32)})


class Doubler:
    """Refuses negative numbers; ``couples`` makes an answer that has no row for each row."""

    def __init__(self, couples: bool = False) -> None:
        self.asked: list[Array] = []
        self._couples = couples

    def compute(self, computation: Computation) -> Outputs:
        x = computation.inputs["x"]
        self.asked.append(x)
        if (x < 0).any():
            raise InvalidArgumentError("negative")
        return {"y": x.sum(keepdims=True)[0] if self._couples else x * 2}
