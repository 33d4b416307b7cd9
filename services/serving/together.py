"""Computes several requests as one, so that each gets what it would have got alone."""

from collections.abc import Sequence
from typing import Protocol

from services.serving.errors import ServingError
from services.serving.joining import join, split
from services.serving.signature import Array, Computation

Outputs = dict[str, Array]


class Computer(Protocol):
    """What computes; in service it is a version of a model."""

    def compute(self, computation: Computation) -> Outputs:
        """Return the outputs that are wanted, or raise a ServingError."""


def compute_together(
    computer: Computer, computations: Sequence[Computation], sizes: Sequence[int], rows: int
) -> list[Outputs | ServingError]:
    """Return each request's outputs, or its error.

    Where the requests together fail, or their answers can't be told apart, each is computed alone: nobody pays
    for what another one sent.

    Args:
        computer: What computes.
        computations: The requests, all of the same signature and form.
        sizes: How many rows each has.
        rows: How many rows are computed; more than there are, where batches are filled up.
    """
    if len(computations) == 1 and rows == sizes[0]:
        return [_alone(computer, computations[0])]
    try:
        parts = split(computer.compute(join(computations, rows)), sizes, rows)
    except ServingError:
        parts = None
    return [*parts] if parts is not None else [_alone(computer, computation) for computation in computations]


def _alone(computer: Computer, computation: Computation) -> Outputs | ServingError:
    try:
        return computer.compute(computation)
    except ServingError as error:
        return error
