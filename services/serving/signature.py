"""What a signature of a model takes and gives, and the checks that name what was expected."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.serving.errors import InvalidArgumentError

MAX_DIMENSIONS = 32
"""Of an array in a request, which is also the most that numpy iterates over."""

Array = NDArray[Any]
Shape = tuple[int | None, ...] | None
"""A length for each dimension, None where any length will do; None for any shape at all."""


@dataclass(frozen=True)
class InputSpec:
    """One input.

    Attributes:
        name: Its name in requests.
        type_name: TensorFlow's name of its type, such as ``float32`` or ``string``.
        dtype: The type of arrays that hold it; ``object`` for strings, with ``bytes`` in them.
        shape: What shapes it takes.
    """

    name: str
    type_name: str
    dtype: np.dtype[Any]
    shape: Shape

    def check(self, array: Array) -> None:
        """Raise InvalidArgumentError unless the array's type and shape fit."""
        if array.dtype != self.dtype:
            sent = "string" if array.dtype == object else array.dtype.name
            raise InvalidArgumentError(f"Input {self.name} must be {self.type_name}, but {sent} was sent.")
        if not self._fits(array.shape):
            wanted, sent = format_shape(self.shape), format_shape(array.shape)
            raise InvalidArgumentError(f"Input {self.name} must have shape {wanted}, but {sent} was sent.")

    def _fits(self, shape: tuple[int, ...]) -> bool:
        # A number in each row may come bare: the original checks no shapes, and its users send a list of numbers to
        # inputs such as [-1,1]. They are computed as they came, so that the answer has the form that they expect.
        if self.shape is None or (self.shape[1:] == (1,) and len(shape) == 1 and self.shape[0] in (None, *shape)):
            return True
        return len(shape) == len(self.shape) and all(
            wanted in (None, length) for wanted, length in zip(self.shape, shape, strict=True)
        )


@dataclass(frozen=True)
class Signature:
    """What a model can be asked for.

    Attributes:
        name: Its name in requests.
        inputs: By name.
        outputs: Names, in the model's order.
        has_rows: Whether the first dimension of every input and output is one of rows, any number of them, and
            the others of the outputs are fixed. Then requests can be computed together.
    """

    name: str
    inputs: Mapping[str, InputSpec]
    outputs: tuple[str, ...]
    has_rows: bool = False

    def check_inputs(self, names: Collection[str]) -> None:
        """Raise InvalidArgumentError unless exactly the signature's inputs are named."""
        expected = self.inputs.keys()
        if len(names) != len(expected):
            raise InvalidArgumentError(
                f"input size does not match signature: {len(names)}!={len(expected)} "
                f"len({_set(names)}) != len({_set(expected)}). Sent extra: {_set(set(names) - expected)}. "
                f"Missing but required: {_set(expected - set(names))}."
            )
        for name in names:
            if name not in expected:
                raise InvalidArgumentError(
                    f"input tensor alias not found in signature: {name}. "
                    f"Inputs expected to be in the set {_set(expected)}."
                )

    def prepare(self, inputs: Mapping[str, Array], wanted: Sequence[str] = ()) -> "Computation":
        """Return a computation of the outputs that are wanted, or of all.

        Raises:
            InvalidArgumentError: Names, types or shapes don't fit.
        """
        self.check_inputs(inputs.keys())
        outputs = self.choose_outputs(wanted)
        for name, array in inputs.items():
            self.inputs[name].check(array)
        return Computation(self, inputs, tuple(outputs))

    def choose_outputs(self, wanted: Sequence[str]) -> Sequence[str]:
        """Return the outputs to answer with: those that are wanted, or all.

        Raises:
            InvalidArgumentError: One doesn't exist or is named twice.
        """
        for name in wanted:
            if name not in self.outputs:
                raise InvalidArgumentError(
                    f"output tensor alias not found in signature: {name} "
                    f"Outputs expected to be in the set {_set(self.outputs)}."
                )
            if wanted.count(name) > 1:
                raise InvalidArgumentError(f"duplicate output tensor alias: {name}")
        return wanted or self.outputs


@dataclass(frozen=True, eq=False)
class Computation:
    """Inputs that fit a signature, and the outputs that are wanted of it."""

    signature: Signature
    inputs: Mapping[str, Array]
    outputs: tuple[str, ...]


def are_rows(inputs: Collection[Shape], outputs: Collection[Shape]) -> bool:
    """Tell whether a signature with these shapes has rows; see ``Signature.has_rows``."""
    rows = all(shape is not None and shape[:1] == (None,) for shape in (*inputs, *outputs))
    return rows and bool(inputs) and all(shape is not None and None not in shape[1:] for shape in outputs)


def format_shape(shape: Sequence[int | None] | None) -> str:
    """Return a shape as ``[-1,48,48,1]``, with -1 for any length; ``[?]`` for any shape."""
    if shape is None:
        return "[?]"
    return f"[{','.join('-1' if length is None else str(length) for length in shape)}]"


def _set(names: Collection[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
