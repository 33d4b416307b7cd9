"""The JSON of the REST interface: requests to arrays, arrays to answers. Knows no HTTP and no TensorFlow.

Row format has a list of ``instances`` and answers with ``predictions``; column format has ``inputs``
and answers with ``outputs``. Binary strings travel as ``{"b64": "…"}``; numbers that JSON doesn't know
(NaN, Infinity) are written as TensorFlow Serving writes them, bare.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.serving.errors import InvalidArgumentError, UnsupportedError
from services.serving.signature import MAX_DIMENSIONS, Array, InputSpec, Signature

MAX_JSON_VALUES = 800_000
"""Values of a body, lists and objects included: three bytes such as ``[],`` become a hundred in memory."""

MAX_SHOWN = 80
"""Characters of a value that an error shows."""

_NUMBERS_AT_ONCE = 1 << 16
_LEAVES: Mapping[str, tuple[type, ...]] = {"f": (int, float), "i": (int,), "u": (int,), "b": (bool,), "O": (str, dict)}


@dataclass(frozen=True)
class JsonRequest:
    """A Predict request, with values not looked at yet.

    Attributes:
        signature_name: Empty for the default one.
        by_row: Whether ``values`` are instances, which is also the form to answer in.
        values: What stands under ``instances`` or ``inputs``.
        names_infinity: Whether infinity is spelt out; else an infinite number is one that was too large.
    """

    signature_name: str
    by_row: bool
    values: Any
    names_infinity: bool = False


def parse_json(body: bytes, max_values: int = MAX_JSON_VALUES) -> Any:
    """Read JSON.

    Args:
        body: As it came.
        max_values: About how many values it may hold.

    Raises:
        InvalidArgumentError: It is none, or holds more values.
    """
    # An object takes as much memory as several lists.
    if body.count(b",") + body.count(b"[") + 4 * body.count(b"{") > max_values:
        raise InvalidArgumentError(f"JSON Parse error: more than {max_values:,} values")
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        raise InvalidArgumentError(f"JSON Parse error: {error}") from error
    except RecursionError as error:
        raise InvalidArgumentError("JSON Parse error: nested too deeply") from error
    except ValueError as error:
        raise InvalidArgumentError("JSON Parse error: not UTF-8, or a number with too many digits") from error


def parse_request(body: bytes) -> JsonRequest:
    """Read a request's body.

    Raises:
        InvalidArgumentError: Not JSON, or not exactly one of ``instances`` and ``inputs``.
    """
    request = parse_json(body)
    if not isinstance(request, dict) or ("instances" in request) == ("inputs" in request):
        raise InvalidArgumentError("The request must be a JSON object with one of 'instances' and 'inputs'")
    signature = request.get("signature_name", "")
    if not isinstance(signature, str):
        raise InvalidArgumentError("'signature_name' key must be a string value")
    by_row = "instances" in request
    return JsonRequest(signature, by_row, request["instances" if by_row else "inputs"], b"Infinity" in body)


def to_arrays(request: JsonRequest, signature: Signature) -> dict[str, Array]:
    """Return the arrays that a request holds, by input.

    Raises:
        InvalidArgumentError: Names, types or nesting don't fit the signature.
    """
    columns = _columns_of_rows(request.values, signature) if request.by_row else _columns(request.values, signature)
    signature.check_inputs(columns.keys())
    arrays = {name: _to_array(value, signature.inputs[name]) for name, value in columns.items()}
    for name, array in arrays.items():
        if not request.names_infinity and array.dtype.kind == "f" and np.isinf(array).any():
            raise _out_of_range(signature.inputs[name])
    return arrays


def to_json(outputs: Mapping[str, Array], by_row: bool) -> str:
    """Return the answer's body. A single output stands alone; several stand under their names.

    Raises:
        InvalidArgumentError: Rows are asked for, and the outputs differ in their first dimension.
        UnsupportedError: An output has no form in JSON.
    """
    if by_row:
        _check_rows(outputs)
    columns = {name: _to_values(name, array) for name, array in outputs.items()}
    answer: Any = columns
    if len(columns) == 1:
        answer = next(iter(columns.values()))
    elif by_row:
        answer = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return json.dumps({"predictions" if by_row else "outputs": answer})


def _columns(values: Any, signature: Signature) -> dict[str, Any]:
    if _is_named(values):
        return dict(values)
    return {_only_input(signature, "inputs"): values}


def _columns_of_rows(instances: Any, signature: Signature) -> dict[str, list[Any]]:
    if not isinstance(instances, list) or not instances:
        raise InvalidArgumentError("'instances' must be a list of at least one instance")
    if not _is_named(instances[0]):
        return {_only_input(signature, "instances"): instances}
    names = instances[0].keys()
    for place, instance in enumerate(instances):
        if not _is_named(instance) or instance.keys() != names:
            raise InvalidArgumentError(f"Instance {place} doesn't have the same named inputs as instance 0")
    return {name: [instance[name] for instance in instances] for name in names}


def _only_input(signature: Signature, key: str) -> str:
    if len(signature.inputs) != 1:
        names = ",".join(sorted(signature.inputs))
        raise InvalidArgumentError(f"'{key}' must name its inputs, which are {{{names}}}")
    return next(iter(signature.inputs))


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_binary(value)


def _is_binary(value: dict[str, Any]) -> bool:
    return value.keys() == {"b64"} and isinstance(value["b64"], str)


def _to_array(value: Any, spec: InputSpec) -> Array:
    """Return nested lists as an array. The nesting must be even: an uneven one leaves lists as leaves."""
    if spec.dtype.kind not in _LEAVES:
        raise UnsupportedError(f"Input {spec.name} is {spec.type_name}, which JSON can't carry")
    try:
        leaves = np.array(value, dtype=object)
    except ValueError as error:
        raise InvalidArgumentError(f"Input {spec.name} has lists of different lengths") from error
    if leaves.ndim > MAX_DIMENSIONS:
        raise InvalidArgumentError(f"Input {spec.name} has more than {MAX_DIMENSIONS} dimensions")
    for leaf in leaves.flat:
        if type(leaf) not in _LEAVES[spec.dtype.kind]:
            raise InvalidArgumentError(_misfit(leaf, spec))
    return _to_strings(leaves, spec) if spec.dtype.kind == "O" else _to_numbers(leaves, spec)


def _misfit(leaf: Any, spec: InputSpec) -> str:
    if isinstance(leaf, list):
        return f"Input {spec.name} has lists of different lengths or depths"
    return f"JSON Value: {_shown(leaf)} is not of expected type: {spec.type_name} (input {spec.name})"


def _shown(leaf: Any) -> str:
    """Return the beginning of a value, without making a copy of all of it."""
    if isinstance(leaf, dict):
        return "an object"
    return json.dumps(leaf[:MAX_SHOWN] if isinstance(leaf, str) else leaf)[:MAX_SHOWN]


def _to_numbers(leaves: Array, spec: InputSpec) -> Array:
    try:
        with np.errstate(over="raise"):
            return leaves.astype(np.float64).astype(spec.dtype) if spec.dtype.kind == "f" else leaves.astype(spec.dtype)
    except (OverflowError, FloatingPointError) as error:
        raise _out_of_range(spec) from error


def _out_of_range(spec: InputSpec) -> InvalidArgumentError:
    return InvalidArgumentError(f"Input {spec.name} has a number outside the range of {spec.type_name}")


def _to_strings(leaves: Array, spec: InputSpec) -> Array:
    return _map(lambda leaf: _to_bytes(leaf, spec), leaves)


def _map(function: Callable[[Any], object], array: Array) -> Array:
    result = np.empty(array.size, dtype=object)
    for place, value in enumerate(array.flat):
        result[place] = function(value)
    return result.reshape(array.shape)


def _to_bytes(leaf: Any, spec: InputSpec) -> bytes:
    try:
        if isinstance(leaf, str):
            return leaf.encode()
        if _is_binary(leaf):
            return base64.b64decode(leaf["b64"], validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError) as error:
        raise InvalidArgumentError(f"Input {spec.name}: unable to decode a string: {error}") from error
    raise InvalidArgumentError(_misfit(leaf, spec))


def _check_rows(outputs: Mapping[str, Array]) -> None:
    lengths = {name: array.shape[0] if array.ndim else None for name, array in outputs.items()}
    if None in lengths.values() or len(set(lengths.values())) > 1:
        told = ", ".join(f"{name}: {'none' if length is None else length}" for name, length in lengths.items())
        raise InvalidArgumentError(f"The outputs have no common batch size ({told}); ask with 'inputs' instead")


def _to_values(name: str, array: Array) -> Any:
    if array.dtype == object:
        return _map(lambda text: _to_text(text, name.endswith("_bytes")), array).tolist()
    if array.dtype.kind == "c":
        raise UnsupportedError(f"Output {name} is {array.dtype.name}, which JSON can't carry")
    if array.dtype.kind in "biu" or array.dtype == np.float64:
        return array.tolist()
    # The shortest decimal that reads back as the same number: 0.2, not 0.20000000298023224. As text a number takes
    # a hundred bytes, so there are never many at once.
    flat = array.astype(np.float32).ravel()
    numbers = np.empty(flat.shape, np.float64)
    for start in range(0, len(flat), _NUMBERS_AT_ONCE):
        part = slice(start, start + _NUMBERS_AT_ONCE)
        numbers[part] = flat[part].astype("U").astype(np.float64)
    return numbers.reshape(array.shape).tolist()


def _to_text(text: bytes, binary: bool) -> Any:
    """Return a string as such, unless its output's name or its bytes say that it is none."""
    try:
        return {"b64": base64.b64encode(text).decode()} if binary else text.decode()
    except UnicodeDecodeError:
        return _to_text(text, True)
