"""The Open Inference Protocol, version 2, of the model alone: clients send cropped faces."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from numpy.typing import NDArray
from starlette.datastructures import Headers

from services.contracts.emotions import EMOTIONS
from services.contracts.model import FACE_SHAPE, INPUT_FACE, MODEL_NAME, OUTPUT_PROBABILITIES, OUTPUT_RELIABLE
from services.contracts.problems import Problem, ProblemKind, ServiceError
from services.gateway.compat.base import CompatApiError, ErrorBody, ErrorFormat, ParseError, parse_json_object
from services.gateway.dependencies import AppState, AppStateDep, upload_slot
from services.gateway.protocols import EmotionScores
from services.runtime.client_address import client_of

MAX_FACES = 64
"""Most faces of a request; the model takes some tens of milliseconds for them."""

MAX_JSON_FACES = 8
"""Most faces of a request as JSON. Each blocks the event loop for some milliseconds; binary data does not."""

_FACE_VALUES = int(np.prod(FACE_SHAPE))
_BINARY = np.dtype("<f4")


def parse_faces(tensor: Mapping[str, Any], binary: bytes) -> NDArray[np.float32]:
    """Return the faces of an input tensor as float32 [n, 48, 48, 1].

    Args:
        tensor: The tensor of the request's JSON; its values are flat or nested.
        binary: The data after the JSON.

    Raises:
        ParseError: Not the model's input, too many faces, or a value outside 0 to 1.
    """
    shape = _shape(tensor)
    parameters = tensor.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, Mapping) else None
    if size is None and shape[0] > MAX_JSON_FACES:
        raise ParseError(f"in JSON a request may have {MAX_JSON_FACES} faces; in binary {MAX_FACES}")
    values = _from_json(tensor.get("data")) if size is None else _from_binary(size, binary)
    if values.size != np.prod(shape):
        raise ParseError(f"input {INPUT_FACE!r} has {values.size:,} values, the shape {shape} another number")
    if not (values.min() >= 0 and values.max() <= 1):  # in this form NaN fails too
        raise ParseError(f"input {INPUT_FACE!r} has a value outside 0 to 1")
    return values.astype(np.float32, copy=False).reshape(shape)


def _shape(tensor: Mapping[str, Any]) -> tuple[int, ...]:
    if tensor.get("datatype") != "FP32":
        raise ParseError(f"input {INPUT_FACE!r} must have the datatype FP32")
    shape = tensor.get("shape")
    if not isinstance(shape, list) or tuple(shape[1:]) != FACE_SHAPE or type(shape[0]) is not int:
        raise ParseError(f"input {INPUT_FACE!r} must have the shape [n, {', '.join(map(str, FACE_SHAPE))}]")
    if not 1 <= shape[0] <= MAX_FACES:
        raise ParseError(f"a request may have 1 to {MAX_FACES} faces, not {shape[0]}")
    return (shape[0], *FACE_SHAPE)


def _from_json(data: object) -> NDArray[Any]:
    if not isinstance(data, list):
        raise ParseError(f"input {INPUT_FACE!r} needs data, or binary data and its binary_data_size")
    # As objects: for strings NumPy allocates the longest length for each value, gigabytes for a small body.
    values = np.array(data, dtype=object).ravel().tolist()
    kinds = set(map(type, values))
    if list in kinds:
        raise ParseError(f"input {INPUT_FACE!r} has rows of different lengths")
    if not kinds or not kinds <= {int, float}:
        raise ParseError(f"the data of input {INPUT_FACE!r} must be numbers")
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError as error:
        raise ParseError(f"the data of input {INPUT_FACE!r} must be numbers from 0 to 1") from error


def _from_binary(size: object, binary: bytes) -> NDArray[Any]:
    if type(size) is not int or size != len(binary) or size % (_FACE_VALUES * _BINARY.itemsize) or not size:
        raise ParseError(f"input {INPUT_FACE!r}: {len(binary):,} bytes follow, binary_data_size is {size!r:.20}")
    return np.frombuffer(binary, _BINARY)


OUTPUTS = (OUTPUT_PROBABILITIES, OUTPUT_RELIABLE)
_MAX_JSON_VALUES = MAX_JSON_FACES * int(np.prod(FACE_SHAPE)) * 3
"""Most values of the JSON: each number, and its brackets if it is nested."""

_MAX_JSON_BYTES = 2 * 1024 * 1024
"""Largest JSON: that many numbers, one per line."""


@dataclass(frozen=True, eq=False)
class InferRequest:
    """A valid request.

    Attributes:
        id: The client's id, if there is one.
        faces: float32 [n, 48, 48, 1] in [0, 1].
        outputs: Names of the requested outputs, in order → whether as binary data.
    """

    id: str | None
    faces: NDArray[np.float32]
    outputs: Mapping[str, bool]


def parse_request(body: bytes, header_length: str | None) -> InferRequest:
    """Return the request of a body.

    Args:
        body: JSON, followed by binary data.
        header_length: The header ``Inference-Header-Content-Length``: how many bytes are JSON; None for all.

    Raises:
        ParseError: It is invalid.
    """
    json_bytes = _json_bytes(header_length, len(body))
    if json_bytes > _MAX_JSON_BYTES:
        raise ParseError(f"the JSON may have {_MAX_JSON_BYTES:,} bytes; send tensors as binary data")
    message = parse_json_object(body[:json_bytes], _MAX_JSON_VALUES)
    inputs = message.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise ParseError(f"inputs must be a list of one tensor, {INPUT_FACE!r}")
    if inputs[0].get("name") != INPUT_FACE:
        raise ParseError(f"the model has one input, {INPUT_FACE!r}")
    given_id = message.get("id")
    if given_id is not None and not isinstance(given_id, str):
        raise ParseError("id must be a string")
    return InferRequest(given_id, parse_faces(inputs[0], body[json_bytes:]), _outputs(message))


def _json_bytes(header_length: str | None, body_length: int) -> int:
    if header_length is None:
        return body_length
    if not (header_length.isascii() and header_length.isdecimal() and len(header_length) < 10):
        raise ParseError("Inference-Header-Content-Length must be a number of bytes")
    if int(header_length) > body_length:
        raise ParseError(f"Inference-Header-Content-Length is more than the body's {body_length:,} bytes")
    return int(header_length)


def _outputs(message: Mapping[str, Any]) -> dict[str, bool]:
    binary = _parameter(message, "binary_data_output")
    wanted = message.get("outputs") or [{"name": name} for name in OUTPUTS]
    if not isinstance(wanted, list) or not all(isinstance(output, dict) for output in wanted):
        raise ParseError("outputs must be a list of objects")
    if any(output.get("name") not in OUTPUTS for output in wanted):
        raise ParseError(f"the model's outputs are {', '.join(OUTPUTS)}")
    chosen = {output["name"]: _parameter(output, "binary_data", binary) for output in wanted}
    if any("classification" in (output.get("parameters") or {}) for output in wanted):
        raise ParseError("classification isn't supported; request the numbers")
    return chosen


def _parameter(holder: Mapping[str, Any], name: str, default: bool = False) -> bool:
    parameters = holder.get("parameters") or {}
    if not isinstance(parameters, dict) or not isinstance(parameters.get(name, default), bool):
        raise ParseError(f"parameters must be an object, and {name} in it true or false")
    return bool(parameters.get(name, default))


_BAD_REQUEST = (ProblemKind.INVALID_PARAMETER, ProblemKind.BAD_REQUEST)


def server_metadata() -> dict[str, Any]:
    """Return the server's metadata."""
    return {"name": "emotion-gateway", "version": "1", "extensions": ["binary_tensor_data"]}


def model_metadata(versions: tuple[int, ...]) -> dict[str, Any]:
    """Return the model's metadata; -1 means any number of faces."""
    return {
        "name": MODEL_NAME,
        "versions": [str(version) for version in versions],
        "platform": "tensorflow_savedmodel",
        "inputs": [{"name": INPUT_FACE, "datatype": "FP32", "shape": [-1, *FACE_SHAPE]}],
        "outputs": [
            {"name": OUTPUT_PROBABILITIES, "datatype": "FP32", "shape": [-1, len(EMOTIONS)]},
            {"name": OUTPUT_RELIABLE, "datatype": "BOOL", "shape": [-1]},
        ],
    }


def serialize(request: InferRequest, scores: EmotionScores) -> tuple[bytes, int | None]:
    """Return the answer's body, and the length of its JSON if binary data follows."""
    tensors: dict[str, tuple[str, NDArray[Any]]] = {
        OUTPUT_PROBABILITIES: ("FP32", scores.probabilities.astype("<f4")),
        OUTPUT_RELIABLE: ("BOOL", scores.reliable.astype(np.bool_)),
    }
    outputs, binary = [], b""
    for name, in_binary in request.outputs.items():
        datatype, values = tensors[name]
        output: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(values.shape)}
        if in_binary:
            output["parameters"] = {"binary_data_size": values.nbytes}
            binary += values.tobytes()
        else:
            output["data"] = values.ravel().tolist()
        outputs.append(output)
    answer: dict[str, Any] = {"model_name": MODEL_NAME, "model_version": scores.version, "outputs": outputs}
    if request.id is not None:
        answer["id"] = request.id
    head = json.dumps(answer, allow_nan=False).encode()
    return head + binary, len(head) if binary else None


def invalid_request(detail: str) -> ErrorBody:
    """Return the error for an invalid request."""
    return ErrorBody(400, {"error": detail})


def _translate(problem: Problem) -> ErrorBody:
    return ErrorBody(400 if problem.kind in _BAD_REQUEST else problem.kind.status, {"error": problem.detail})


ERROR_FORMAT = ErrorFormat(lambda _, path: path == "/v2" or path.startswith("/v2/"), _translate)

_LENGTH_HEADER = "Inference-Header-Content-Length"
_MODEL = "/v2/models/{name}"
_VERSION = _MODEL + "/versions/{version}"


router = APIRouter(tags=["compat"])


@router.get("/v2", summary="Open Inference Protocol: the server")
async def about_server() -> Response:
    return JSONResponse(server_metadata())


@router.get(_MODEL, summary="Open Inference Protocol: the model")
@router.get(_VERSION, include_in_schema=False)
async def about_model(state: AppStateDep, name: str, version: str | None = None) -> Response:
    return JSONResponse(model_metadata(await _available(state, _parse_version(name, version))))


@router.get(f"{_MODEL}/ready", summary="Open Inference Protocol: whether the model is there")
@router.get(f"{_VERSION}/ready", include_in_schema=False)
async def model_ready(state: AppStateDep, name: str, version: str | None = None) -> Response:
    await _available(state, _parse_version(name, version))
    return JSONResponse({"name": name, "ready": True})


@router.post(f"{_MODEL}/infer", summary="Open Inference Protocol: inference", dependencies=[Depends(upload_slot)])
@router.post(f"{_VERSION}/infer", include_in_schema=False, dependencies=[Depends(upload_slot)])
async def infer(request: Request, state: AppStateDep, name: str, version: str | None = None) -> Response:
    started, model_version = perf_counter(), _parse_version(name, version)
    _require_identity_encoding(request.headers)
    body = await request.body()
    try:
        parsed = parse_request(body, request.headers.get(_LENGTH_HEADER))
    except ParseError as error:
        raise CompatApiError(invalid_request(str(error))) from error
    read = perf_counter()
    with state.limits.in_flight.slot(client_of(request)):
        scores = await state.pipeline.model.infer(parsed.faces, state.deadline(), model_version)
    state.metrics.observe_tensor(scores, perf_counter() - read, perf_counter() - started)
    answer, json_bytes = serialize(parsed, scores)
    if json_bytes is None:
        return Response(answer, media_type="application/json")
    return Response(answer, headers={_LENGTH_HEADER: str(json_bytes)}, media_type="application/octet-stream")


health_router = APIRouter(prefix="/v2/health", tags=["compat"])
"""These routes need no key, as ``/healthz`` and ``/readyz``."""


@health_router.get("/live", summary="Open Inference Protocol: alive")
async def live() -> Response:
    return JSONResponse({"live": True})


@health_router.get("/ready", summary="Open Inference Protocol: ready")
async def ready(state: AppStateDep) -> Response:
    if state.context.shutdown.started:
        raise ServiceError(ProblemKind.STOPPING, "The gateway is stopping")
    model = (await state.context.readiness.states())["model"]
    if not model.ok:
        raise ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, model.detail, dependency="model")
    return JSONResponse({"ready": True})


def _parse_version(name: str, version: str | None) -> int | None:
    """Return the version as a number.

    Raises:
        ServiceError: 404, no model has this name or version.
    """
    if name != MODEL_NAME:
        raise ServiceError(ProblemKind.NOT_FOUND, f"The only model here is {MODEL_NAME!r}")
    if version is None:
        return None
    if not (version.isascii() and version.isdecimal() and len(version) <= 18):
        raise ServiceError(ProblemKind.NOT_FOUND, "Versions are numbers")
    return int(version)


async def _available(state: AppState, version: int | None) -> tuple[int, ...]:
    """Return the available versions.

    Raises:
        ServiceError: There is none, or not this one.
    """
    versions = await state.pipeline.model.versions()
    if not versions:
        raise ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "No version of the model is available")
    if version is not None and version not in versions:
        raise ServiceError(ProblemKind.NOT_FOUND, f"The model has no version {version}")
    return versions


def _require_identity_encoding(headers: Headers) -> None:
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise ServiceError(ProblemKind.UNSUPPORTED_MEDIA_TYPE, "Send the body uncompressed")
