"""What a client of the Open Inference Protocol asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.contracts.model import FACE_SHAPE, INPUT_FACE, OUTPUT_PROBABILITIES, OUTPUT_RELIABLE
from services.gateway.familiar.open_inference.tensors import MOST_LISTED_FACES, read_faces
from services.gateway.familiar.reading import UnreadableError, read_object

OUTPUTS = (OUTPUT_PROBABILITIES, OUTPUT_RELIABLE)
_MOST_VALUES = MOST_LISTED_FACES * int(np.prod(FACE_SHAPE)) * 3
"""Each of the numbers, in brackets of its own where it is nested."""

_MOST_JSON_BYTES = 2 * 1024 * 1024
"""So many numbers, each in a line of its own."""


@dataclass(frozen=True, eq=False)
class Infer:
    """A request that can be answered.

    Attributes:
        id: The client's own, if it gives one.
        faces: float32 [n, 48, 48, 1] in [0, 1].
        outputs: Names of the outputs, in the order asked for → whether in binary.
    """

    id: str | None
    faces: NDArray[np.float32]
    outputs: Mapping[str, bool]


def read_infer(body: bytes, header_length: str | None) -> Infer:
    """Return what is asked for.

    Args:
        body: JSON, and binary data after it.
        header_length: The header ``Inference-Header-Content-Length``: how many bytes are JSON; None for all.

    Raises:
        UnreadableError: It can't be used.
    """
    json_bytes = _json_bytes(header_length, len(body))
    if json_bytes > _MOST_JSON_BYTES:
        raise UnreadableError(f"the JSON may have {_MOST_JSON_BYTES:,} bytes; send tensors as binary data")
    asked = read_object(body[:json_bytes], _MOST_VALUES)
    inputs = asked.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise UnreadableError(f"inputs must be a list of one tensor, {INPUT_FACE!r}")
    if inputs[0].get("name") != INPUT_FACE:
        raise UnreadableError(f"the model has one input, {INPUT_FACE!r}")
    given_id = asked.get("id")
    if given_id is not None and not isinstance(given_id, str):
        raise UnreadableError("id must be a string")
    return Infer(given_id, read_faces(inputs[0], body[json_bytes:]), _outputs(asked))


def _json_bytes(header_length: str | None, body_length: int) -> int:
    if header_length is None:
        return body_length
    if not (header_length.isascii() and header_length.isdecimal() and len(header_length) < 10):
        raise UnreadableError("Inference-Header-Content-Length must be a number of bytes")
    if int(header_length) > body_length:
        raise UnreadableError(f"Inference-Header-Content-Length is more than the body's {body_length:,} bytes")
    return int(header_length)


def _outputs(asked: Mapping[str, Any]) -> dict[str, bool]:
    binary = _parameter(asked, "binary_data_output")
    wanted = asked.get("outputs") or [{"name": name} for name in OUTPUTS]
    if not isinstance(wanted, list) or not all(isinstance(output, dict) for output in wanted):
        raise UnreadableError("outputs must be a list of objects")
    if any(output.get("name") not in OUTPUTS for output in wanted):
        raise UnreadableError(f"the model's outputs are {', '.join(OUTPUTS)}")
    chosen = {output["name"]: _parameter(output, "binary_data", binary) for output in wanted}
    if any("classification" in (output.get("parameters") or {}) for output in wanted):
        raise UnreadableError("classification isn't there: ask for the numbers")
    return chosen


def _parameter(holder: Mapping[str, Any], name: str, default: bool = False) -> bool:
    parameters = holder.get("parameters") or {}
    if not isinstance(parameters, dict) or not isinstance(parameters.get(name, default), bool):
        raise UnreadableError(f"parameters must be an object, and {name} in it true or false")
    return bool(parameters.get(name, default))
