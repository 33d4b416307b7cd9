"""DeepFace's HTTP API, ``POST /analyze`` (deepface/api/src/modules/core/routes.py)."""

import asyncio
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
    decode_base64,
    parse_form_fields,
    parse_json_object,
    predict_image,
)
from services.gateway.dependencies import AppStateDep, upload_slot
from services.runtime.request_body import require_media_type

KNOWN_ACTIONS = ("emotion", "age", "gender", "race")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_MARKS = str.maketrans("", "", "[]()\"' ")


@dataclass(frozen=True)
class AnalyzeRequest:
    """A valid request.

    Attributes:
        image: Not decoded.
        enforce_detection: Whether an image without faces is an error.
    """

    image: bytes
    enforce_detection: bool


def parse_request(fields: Mapping[str, object], file: bytes | None) -> AnalyzeRequest:
    """Return the request of a body.

    ``align`` and ``detector_backend`` are ignored. Options that would change the meaning of the answer, and that are
    not supported, are errors.

    Args:
        fields: The fields of the JSON object or of the form.
        file: The form's file ``img``, if there is one.

    Raises:
        ParseError: A field is invalid.
    """
    _check_actions(fields.get("actions"))
    _parse_bool(fields, "align", default=True)
    if fields.get("detector_backend") == "skip":
        raise ParseError("detector_backend 'skip' isn't supported: images are always searched for faces")
    if _parse_bool(fields, "anti_spoofing", default=False):
        raise ParseError("anti_spoofing isn't supported")
    enforce = _parse_bool(fields, "enforce_detection", default=True)
    return AnalyzeRequest(_image(fields.get("img")) if file is None else file, enforce)


def _check_actions(value: object) -> None:
    """Accept actions that include ``emotion``, as a list or as a form's text."""
    if value is None:
        return
    actions = [name for name in value[:200].translate(_MARKS).split(",") if name] if isinstance(value, str) else value
    if not isinstance(actions, list) or not all(action in KNOWN_ACTIONS for action in actions):
        raise ParseError(f"actions must be a list of {', '.join(KNOWN_ACTIONS)}")
    if "emotion" not in actions:
        raise ParseError("actions must name emotion, the only supported one")


def _parse_bool(fields: Mapping[str, object], name: str, default: bool) -> bool:
    """Return a boolean. A form has strings only; ``"False"`` is false."""
    field = fields.get(name, default)
    value = _BOOLEANS.get(str(field).lower()) if isinstance(field, bool | int | str) else None
    if value is None:
        raise ParseError(f"{name} must be true or false")
    return value


def _image(value: object) -> bytes:
    if not isinstance(value, str) or not value:
        raise ParseError("img is missing")
    head, comma, data = value.partition(",")
    if not head.startswith("data:image/") or not comma or not head.endswith(";base64"):
        raise ParseError(
            "img must be the file of a form or a data URI, data:image/jpeg;base64,...: "
            "no URL is fetched and no file is read here"
        )
    try:
        return decode_base64(data)
    except ParseError as error:
        raise ParseError(f"img: {error}") from error


PATH = "/analyze"
_BAD_REQUEST = (ProblemKind.INVALID_PARAMETER, ProblemKind.INVALID_IMAGE, ProblemKind.IMAGE_TOO_LARGE)


def serialize(prediction: Prediction) -> dict[str, Any]:
    """Return the answer. Scores are percentages; the primary face is first."""
    return {"results": [_face(face) for face in prediction.faces]}


def no_face() -> ErrorBody:
    """Return the error for an image without faces."""
    return invalid_request(
        "Face could not be detected in the picture; with enforce_detection=false the list is empty instead"
    )


def invalid_request(detail: str) -> ErrorBody:
    """Return the error for an invalid request."""
    return ErrorBody(400, {"error": f"Exception while analyzing: {detail}"})


def _translate(problem: Problem) -> ErrorBody:
    if problem.kind in _BAD_REQUEST:
        return invalid_request(problem.detail)
    if problem.kind is ProblemKind.UNAUTHORIZED:
        return ErrorBody(401, {"message": problem.detail})
    return ErrorBody(problem.kind.status, {"error": problem.detail})


ERROR_FORMAT = ErrorFormat(lambda _, path: path == PATH, _translate)


def _face(face: FaceEmotion) -> dict[str, Any]:
    return {
        "emotion": {name.value: 100 * score for name, score in face.probabilities.items()},
        "dominant_emotion": face.emotion.value,
        "region": {
            "x": face.box.x,
            "y": face.box.y,
            "w": face.box.w,
            "h": face.box.h,
            "left_eye": None,
            "right_eye": None,
        },
        "face_confidence": FACE_PROBABILITY,
    }


_JSON, _URL_ENCODED = "application/json", "application/x-www-form-urlencoded"


router = APIRouter(tags=["compat"])


@router.post(PATH, summary="As DeepFace's API", dependencies=[Depends(upload_slot)])
async def analyze(request: Request, state: AppStateDep) -> Response:
    started = perf_counter()
    parsed = await _read(request, state.settings.body_limit_bytes)
    prediction = await predict_image(request, state, parsed.image, started)
    if not prediction.faces and parsed.enforce_detection:
        raise CompatApiError(no_face())
    return JSONResponse(serialize(prediction))


async def _read(request: Request, body_limit_bytes: int) -> AnalyzeRequest:
    media_type = require_media_type(request.headers, (_JSON, FORM_MEDIA_TYPE, _URL_ENCODED))
    try:
        if media_type == FORM_MEDIA_TYPE:
            return await _from_form(request, body_limit_bytes)
        if media_type == _URL_ENCODED:
            # In a thread: unquoting a large form would block the event loop.
            return parse_request(await asyncio.to_thread(parse_form_fields, await request.body()), None)
        return parse_request(parse_json_object(await request.body()), None)
    except ParseError as error:
        raise CompatApiError(invalid_request(str(error))) from error


async def _from_form(request: Request, body_limit_bytes: int) -> AnalyzeRequest:
    form = await parse_form(request, body_limit_bytes)
    try:
        file = form.get("img")
        image = await file.read() if isinstance(file, UploadFile) else None
        return parse_request({name: text for name, text in form.items() if isinstance(text, str)}, image)
    finally:
        await form.close()
