"""``/v2``: the model alone, for clients that bring faces of their own."""

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
from services.gateway.compat.base import CompatApiError, ErrorBody, ErrorFormat, UnreadableError, read_object
from services.gateway.dependencies import AppState, AppStateDep, upload_slot
from services.gateway.protocols import EmotionScores
from services.runtime.client_address import client_of

MAX_FACES = 64
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
        raise UnreadableError(f"in JSON a request may have {MOST_LISTED_FACES} faces; in binary {MAX_FACES}")
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
    if not 1 <= shape[0] <= MAX_FACES:
        raise UnreadableError(f"a request may have 1 to {MAX_FACES} faces, not {shape[0]}")
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


_BAD_REQUEST = (ProblemKind.INVALID_PARAMETER, ProblemKind.BAD_REQUEST)


def server() -> dict[str, Any]:
    """Return the server's metadata."""
    return {"name": "emotion-gateway", "version": "1", "extensions": ["binary_tensor_data"]}


def model(versions: tuple[int, ...]) -> dict[str, Any]:
    """Return the model's metadata; -1 stands for any number of faces."""
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


def inferred(asked: Infer, scores: EmotionScores) -> tuple[bytes, int | None]:
    """Return the answer's body, and how many bytes of it are JSON where binary data follows."""
    tensors: dict[str, tuple[str, NDArray[Any]]] = {
        OUTPUT_PROBABILITIES: ("FP32", scores.probabilities.astype("<f4")),
        OUTPUT_RELIABLE: ("BOOL", scores.reliable.astype(np.bool_)),
    }
    outputs, binary = [], b""
    for name, in_binary in asked.outputs.items():
        datatype, values = tensors[name]
        output: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(values.shape)}
        if in_binary:
            output["parameters"] = {"binary_data_size": values.nbytes}
            binary += values.tobytes()
        else:
            output["data"] = values.ravel().tolist()
        outputs.append(output)
    answer: dict[str, Any] = {"model_name": MODEL_NAME, "model_version": scores.version, "outputs": outputs}
    if asked.id is not None:
        answer["id"] = asked.id
    head = json.dumps(answer, allow_nan=False).encode()
    return head + binary, len(head) if binary else None


def refused(detail: str) -> ErrorBody:
    """Return the error for a request that can't be answered."""
    return ErrorBody(400, {"error": detail})


def _error(problem: Problem) -> ErrorBody:
    return ErrorBody(400 if problem.kind in _BAD_REQUEST else problem.kind.status, {"error": problem.detail})


ERROR_FORMAT = ErrorFormat(lambda _, path: path == "/v2" or path.startswith("/v2/"), _error)

_LENGTH_HEADER = "Inference-Header-Content-Length"
_MODEL = "/v2/models/{name}"
_VERSION = _MODEL + "/versions/{version}"


router = APIRouter(tags=["compat"])


@router.get("/v2", summary="Open Inference Protocol: the server")
async def about_server() -> Response:
    return JSONResponse(server())


@router.get(_MODEL, summary="Open Inference Protocol: the model")
@router.get(_VERSION, include_in_schema=False)
async def about_model(state: AppStateDep, name: str, version: str | None = None) -> Response:
    return JSONResponse(model(await _available(state, _known(name, version))))


@router.get(f"{_MODEL}/ready", summary="Open Inference Protocol: whether the model is there")
@router.get(f"{_VERSION}/ready", include_in_schema=False)
async def model_ready(state: AppStateDep, name: str, version: str | None = None) -> Response:
    await _available(state, _known(name, version))
    return JSONResponse({"name": name, "ready": True})


@router.post(f"{_MODEL}/infer", summary="Open Inference Protocol: inference", dependencies=[Depends(upload_slot)])
@router.post(f"{_VERSION}/infer", include_in_schema=False, dependencies=[Depends(upload_slot)])
async def infer(request: Request, state: AppStateDep, name: str, version: str | None = None) -> Response:
    started, asked_version = perf_counter(), _known(name, version)
    _require_plain(request.headers)
    body = await request.body()
    try:
        asked = read_infer(body, request.headers.get(_LENGTH_HEADER))
    except UnreadableError as error:
        raise CompatApiError(refused(str(error))) from error
    read = perf_counter()
    with state.limits.in_flight.slot(client_of(request)):
        scores = await state.pipeline.model.infer(asked.faces, state.deadline(), asked_version)
    state.metrics.observe_tensor(scores, perf_counter() - read, perf_counter() - started)
    answer, json_bytes = inferred(asked, scores)
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


def _known(name: str, version: str | None) -> int | None:
    """Return the version as a number, where the names can be those of a model at all."""
    if name != MODEL_NAME:
        raise ServiceError(ProblemKind.NOT_FOUND, f"The only model here is {MODEL_NAME!r}")
    if version is None:
        return None
    if not (version.isascii() and version.isdecimal() and len(version) <= 18):
        raise ServiceError(ProblemKind.NOT_FOUND, "Versions are numbers")
    return int(version)


async def _available(state: AppState, version: int | None) -> tuple[int, ...]:
    """Return the versions that are available.

    Raises:
        ServiceError: There is none, or not that one.
    """
    versions = await state.pipeline.model.versions()
    if not versions:
        raise ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "No version of the model is available")
    if version is not None and version not in versions:
        raise ServiceError(ProblemKind.NOT_FOUND, f"The model has no version {version}")
    return versions


def _require_plain(headers: Headers) -> None:
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise ServiceError(ProblemKind.UNSUPPORTED_MEDIA_TYPE, "Send the body uncompressed")
