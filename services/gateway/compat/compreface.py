"""``POST /api/v1/detection/detect``."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile

from services.contracts.prediction import FaceEmotion, Prediction
from services.contracts.problems import Problem, ProblemKind
from services.gateway.api.uploads import FORM_MEDIA_TYPE, parse_form
from services.gateway.compat.base import (
    FACE_PROBABILITY,
    CompatApiError,
    ErrorBody,
    ErrorFormat,
    ParseError,
    by_area_desc,
    decode_base64,
    parse_json_object,
    predict_image,
)
from services.gateway.dependencies import AppStateDep, upload_slot
from services.runtime.request_body import require_media_type

_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class DetectOptions:
    """Options of the query.

    ``face_plugins`` is ignored, as CompreFace ignores plugins that are not installed. The emotion is always returned:
    CompreFace's clients for Python and JavaScript refuse to send a plugin name that they don't know.

    Attributes:
        limit: Most faces, the largest first; 0 for all.
        threshold: Minimum probability of a face, 0 to 1.
        status: Whether times and versions are returned.
    """

    limit: int = 0
    threshold: float = 0.0
    status: bool = False


def parse_request(query: Mapping[str, str]) -> DetectOptions:
    """Return the options of a query; empty values count as missing.

    Raises:
        ParseError: A value is invalid.
    """
    return DetectOptions(
        limit=_limit(query.get("limit") or "0"),
        threshold=_threshold(query.get("det_prob_threshold") or "0"),
        status=_status(query.get("status") or "false"),
    )


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise ParseError("limit must be a whole number, 0 or more")
    return int(text)


def _threshold(text: str) -> float:
    try:
        threshold = float(text)
    except ValueError:
        threshold = -1.0
    if not 0 <= threshold <= 1:
        raise ParseError("det_prob_threshold must be a number from 0 to 1")
    return threshold


def _status(text: str) -> bool:
    value = _BOOLEANS.get(text.lower())
    if value is None:
        raise ParseError("status must be true or false")
    return value


PATH = "/api/v1/detection/detect"
_UNDEFINED = 0
_EMPTY_REQUIRED_FIELD = 5
_MODEL_NOT_FOUND = 10
_FILE_EXTENSION = 21
_CONSTRAINT_VIOLATION = 26
_NO_FACES_FOUND = 28
_FACES_SERVICE = 41
_CODES = {
    ProblemKind.UNAUTHORIZED: (401, _MODEL_NOT_FOUND),
    ProblemKind.INVALID_PARAMETER: (400, _CONSTRAINT_VIOLATION),
    ProblemKind.INVALID_IMAGE: (400, _FILE_EXTENSION),
    ProblemKind.IMAGE_TOO_LARGE: (400, _CONSTRAINT_VIOLATION),
    ProblemKind.DEPENDENCY_UNAVAILABLE: (503, _FACES_SERVICE),
    ProblemKind.DEPENDENCY_TIMEOUT: (504, _FACES_SERVICE),
}
"""CompreFace's codes (CommonExceptionCode.java); other problems keep our status."""


def serialize(prediction: Prediction, options: DetectOptions) -> dict[str, Any]:
    """Return the answer: the selected faces, the largest first."""
    answer: dict[str, Any] = {
        "result": [_face(face, prediction, options) for face in select_faces(prediction, options)]
    }
    if options.status:
        versions = {"detector": "haar.FaceDetector", "emotion": f"{prediction.model.name}.{prediction.model.version}"}
        answer["plugins_versions"] = versions
    return answer


def select_faces(prediction: Prediction, options: DetectOptions) -> list[FaceEmotion]:
    """Return the faces that the options select, the largest first."""
    probable = by_area_desc(prediction.faces) if options.threshold <= FACE_PROBABILITY else []
    return probable[: options.limit] if options.limit else probable


def no_face() -> ErrorBody:
    """Return the error for an image without faces; clients compare code and message."""
    return ErrorBody(400, {"message": "No face is found in the given image", "code": _NO_FACES_FOUND})


def no_file() -> ErrorBody:
    """Return the error for a request without an image."""
    return ErrorBody(400, {"message": "Required field is empty: file", "code": _EMPTY_REQUIRED_FIELD})


def invalid_request(detail: str) -> ErrorBody:
    """Return the error for an invalid request."""
    return ErrorBody(400, {"message": detail, "code": _CONSTRAINT_VIOLATION})


def _error(problem: Problem) -> ErrorBody:
    status, code = _CODES.get(problem.kind, (problem.kind.status, _UNDEFINED))
    return ErrorBody(status, {"message": problem.detail, "code": code})


ERROR_FORMAT = ErrorFormat(lambda _, path: path.startswith("/api/v1/"), _error)


def _face(face: FaceEmotion, prediction: Prediction, options: DetectOptions) -> dict[str, Any]:
    described: dict[str, Any] = {
        "box": {
            "probability": FACE_PROBABILITY,
            "x_max": face.box.x + face.box.w,
            "y_max": face.box.y + face.box.h,
            "x_min": face.box.x,
            "y_min": face.box.y,
        },
        "emotion": {"probability": face.confidence, "value": face.emotion.value},
    }
    if options.status:
        described["execution_time"] = {"detector": prediction.timings_ms.detect, "emotion": prediction.timings_ms.infer}
    return described


_JSON = "application/json"


router = APIRouter(tags=["compat"])


@router.post(PATH, summary="As CompreFace's face detection", dependencies=[Depends(upload_slot)])
async def detect(request: Request, state: AppStateDep) -> Response:
    started = perf_counter()
    try:
        options = parse_request(request.query_params)
        image = await _image(request)
    except ParseError as error:
        raise CompatApiError(invalid_request(str(error))) from error
    prediction = await predict_image(request, state, image, started)
    if not select_faces(prediction, options):
        raise CompatApiError(no_face())
    return JSONResponse(serialize(prediction, options))


async def _image(request: Request) -> bytes:
    media_type = require_media_type(request.headers, (FORM_MEDIA_TYPE, _JSON))
    if media_type == FORM_MEDIA_TYPE:
        form = await parse_form(request)
        try:
            file = form.get("file")
            image = await file.read() if isinstance(file, UploadFile) else b""
        finally:
            await form.close()
    else:
        image = _from_json(await request.body())
    if not image:
        raise CompatApiError(no_file())
    return image


def _from_json(body: bytes) -> bytes:
    file = parse_json_object(body).get("file", "")
    if not isinstance(file, str):
        raise ParseError("file must be base64 in a string")
    return decode_base64(file)
