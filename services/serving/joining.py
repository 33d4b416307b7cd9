"""Puts the rows of several requests together, and takes the answers apart again."""

from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from services.serving.signature import Array, Computation


def row_count(computation: Computation) -> int | None:
    """Return how many rows a request has; None where it has none in common or its signature has no rows."""
    if not computation.signature.has_rows:
        return None
    counts = {array.shape[0] for array in computation.inputs.values()}
    return counts.pop() if len(counts) == 1 else None


def form(computation: Computation) -> Hashable:
    """Return what requests must have in common to be computed together: the shape of a row of each input."""
    return tuple(sorted((name, array.shape[1:]) for name, array in computation.inputs.items()))


def padded_size(size: int, allowed: Sequence[int]) -> int:
    """Return the smallest allowed size that a batch fits in; its own size where all are allowed."""
    return next((fits for fits in allowed if fits >= size), size)


def join(computations: Sequence[Computation], rows: int) -> Computation:
    """Return one computation of all rows, filled up to ``rows`` with copies of the last one."""
    first = computations[0]
    inputs = {
        name: _fill(np.concatenate([computation.inputs[name] for computation in computations]), rows)
        for name in first.inputs
    }
    return Computation(first.signature, inputs, first.outputs)


def split(outputs: Mapping[str, Array], sizes: Sequence[int], rows: int) -> list[dict[str, Array]] | None:
    """Return each request's part of the answer; None where an output doesn't have a row for each that was sent."""
    if any(array.ndim == 0 or array.shape[0] != rows for array in outputs.values()):
        return None
    places = np.cumsum([0, *sizes])
    return [{name: array[start:stop] for name, array in outputs.items()} for start, stop in pairwise(places)]


def _fill(array: Array, rows: int) -> Array:
    missing = rows - len(array)
    return np.concatenate([array, np.repeat(array[-1:], missing, axis=0)]) if missing else array
