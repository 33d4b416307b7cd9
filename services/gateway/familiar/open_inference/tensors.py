"""Tensors of the Open Inference Protocol, as JSON and as its extension for binary data has them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.contracts.model import FACE_SHAPE, INPUT_FACE
from services.gateway.familiar.reading import UnreadableError

MOST_FACES = 64
"""In one request: what the model does in some tens of milliseconds."""

MOST_LISTED_FACES = 8
"""As JSON. Each costs some milliseconds in which the process reads nothing else; in binary it costs nothing."""

_FACE_VALUES = int(np.prod(FACE_SHAPE))
_BINARY = np.dtype("<f4")


def read_faces(given: Mapping[str, Any], binary: bytes) -> NDArray[np.float32]:
    """Return the faces of an input tensor as float32 [n, 48, 48, 1].

    Args:
        given: The tensor as the request's JSON has it, its values flat or nested.
        binary: What follows the JSON.

    Raises:
        UnreadableError: Not the model's input, too many faces, or a value outside 0 to 1.
    """
    shape = _shape(given)
    parameters = given.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, Mapping) else None
    if size is None and shape[0] > MOST_LISTED_FACES:
        raise UnreadableError(f"in JSON a request may have {MOST_LISTED_FACES} faces; in binary {MOST_FACES}")
    values = _listed(given.get("data")) if size is None else _raw(size, binary)
    if values.size != np.prod(shape):
        raise UnreadableError(f"input {INPUT_FACE!r} has {values.size:,} values, the shape {shape} another number")
    if not (values.min() >= 0 and values.max() <= 1):  # so written, NaN fails too
        raise UnreadableError(f"input {INPUT_FACE!r} has a value outside 0 to 1")
    return values.astype(np.float32, copy=False).reshape(shape)


def _shape(given: Mapping[str, Any]) -> tuple[int, ...]:
    if given.get("datatype") != "FP32":
        raise UnreadableError(f"input {INPUT_FACE!r} must have the datatype FP32")
    shape = given.get("shape")
    if not isinstance(shape, list) or tuple(shape[1:]) != FACE_SHAPE or type(shape[0]) is not int:
        raise UnreadableError(f"input {INPUT_FACE!r} must have the shape [n, {', '.join(map(str, FACE_SHAPE))}]")
    if not 1 <= shape[0] <= MOST_FACES:
        raise UnreadableError(f"a request may have 1 to {MOST_FACES} faces, not {shape[0]}")
    return (shape[0], *FACE_SHAPE)


def _listed(data: object) -> NDArray[Any]:
    if not isinstance(data, list):
        raise UnreadableError(f"input {INPUT_FACE!r} needs data, or binary data and its binary_data_size")
    # As objects: among texts NumPy would give each value the room of the longest one, gigabytes for a small body.
    values = np.array(data, dtype=object).ravel().tolist()
    kinds = set(map(type, values))
    if list in kinds:
        raise UnreadableError(f"input {INPUT_FACE!r} has rows of different lengths")
    if not kinds or not kinds <= {int, float}:
        raise UnreadableError(f"the data of input {INPUT_FACE!r} must be numbers")
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError as error:
        raise UnreadableError(f"the data of input {INPUT_FACE!r} must be numbers from 0 to 1") from error


def _raw(size: object, binary: bytes) -> NDArray[Any]:
    if type(size) is not int or size != len(binary) or size % (_FACE_VALUES * _BINARY.itemsize) or not size:
        raise UnreadableError(f"input {INPUT_FACE!r}: {len(binary):,} bytes follow, binary_data_size is {size!r:.20}")
    return np.frombuffer(binary, _BINARY)
