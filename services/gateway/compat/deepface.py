"""``POST /analyze``."""

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
    UnreadableError,
    predict_image,
    read_base64,
    read_form,
    read_object,
)
from services.gateway.dependencies import AppStateDep, upload_slot
from services.runtime.request_body import require_media_type

KNOWN_ACTIONS = ("emotion", "age", "gender", "race")
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
_MARKS = str.maketrans("", "", "[]()\"' ")


@dataclass(frozen=True)
class Analyze:
    """A request that can be answered.

    Attributes:
        image: Not decoded.
        enforce_detection: Whether it is an error that there is no face.
    """

    image: bytes
    enforce_detection: bool


def read_analyze(fields: Mapping[str, object], file: bytes | None) -> Analyze:
    """Return what is asked for.

    ``align`` and ``detector_backend`` are taken and change nothing; what would change the meaning of the answer, and
    can't be done here, is refused.

    Args:
        fields: Of the JSON object, or of the form.
        file: The form's file ``img``, if there is one.

    Raises:
        UnreadableError: A field can't be used.
    """
    _check_actions(fields.get("actions"))
    _truth(fields, "align", default=True)
    if fields.get("detector_backend") == "skip":
        raise UnreadableError("detector_backend 'skip' isn't there: faces are always looked for")
    if _truth(fields, "anti_spoofing", default=False):
        raise UnreadableError("anti_spoofing isn't there: a picture of a picture can't be told apart")
    enforce = _truth(fields, "enforce_detection", default=True)
    return Analyze(_image(fields.get("img")) if file is None else file, enforce)


def _check_actions(given: object) -> None:
    """Accept actions with the emotion among them: as a list, or as a form writes one."""
    if given is None:
        return
    actions = [name for name in given[:200].translate(_MARKS).split(",") if name] if isinstance(given, str) else given
    if not isinstance(actions, list) or not all(action in KNOWN_ACTIONS for action in actions):
        raise UnreadableError(f"actions must be a list of {', '.join(KNOWN_ACTIONS)}")
    if "emotion" not in actions:
        raise UnreadableError("actions must name emotion: it is the only one here")


def _truth(fields: Mapping[str, object], name: str, default: bool) -> bool:
    """Return a boolean. A form has strings only, and the string ``False`` isn't true."""
    given = fields.get(name, default)
    found = _TRUTHS.get(str(given).lower()) if isinstance(given, bool | int | str) else None
    if found is None:
        raise UnreadableError(f"{name} must be true or false")
    return found


def _image(given: object) -> bytes:
    if not isinstance(given, str) or not given:
        raise UnreadableError("img is missing")
    head, comma, data = given.partition(",")
    if not head.startswith("data:image/") or not comma or not head.endswith(";base64"):
        raise UnreadableError(
            "img must be the file of a form or a data URI, data:image/jpeg;base64,...: "
            "no URL is fetched and no file is read here"
        )
    try:
        return read_base64(data)
    except UnreadableError as error:
        raise UnreadableError(f"img: {error}") from error


PATH = "/analyze"
_BAD_REQUEST = (ProblemKind.INVALID_PARAMETER, ProblemKind.INVALID_IMAGE, ProblemKind.IMAGE_TOO_LARGE)


def analysis(found: Prediction) -> dict[str, Any]:
    """Return the answer; scores are percentages, the primary face comes first."""
    return {"results": [_face(face) for face in found.faces]}


def no_face() -> ErrorBody:
    """Return the error where there must be a face."""
    return refused("Face could not be detected in the picture; with enforce_detection=false the list is empty instead")


def refused(detail: str) -> ErrorBody:
    """Return the error for a request that can't be answered."""
    return ErrorBody(400, {"error": f"Exception while analyzing: {detail}"})


def _error(problem: Problem) -> ErrorBody:
    if problem.kind in _BAD_REQUEST:
        return refused(problem.detail)
    if problem.kind is ProblemKind.UNAUTHORIZED:
        return ErrorBody(401, {"message": problem.detail})
    return ErrorBody(problem.kind.status, {"error": problem.detail})


ERROR_FORMAT = ErrorFormat(lambda _, path: path == PATH, _error)


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
    asked = await _read(request, state.settings.body_limit_bytes)
    found = await predict_image(request, state, asked.image, started)
    if not found.faces and asked.enforce_detection:
        raise CompatApiError(no_face())
    return JSONResponse(analysis(found))


async def _read(request: Request, body_limit_bytes: int) -> Analyze:
    media_type = require_media_type(request.headers, (_JSON, FORM_MEDIA_TYPE, _URL_ENCODED))
    try:
        if media_type == FORM_MEDIA_TYPE:
            return await _from_form(request, body_limit_bytes)
        if media_type == _URL_ENCODED:
            # Beside the event loop: unquoting takes long for its size.
            return read_analyze(await asyncio.to_thread(read_form, await request.body()), None)
        return read_analyze(read_object(await request.body()), None)
    except UnreadableError as error:
        raise CompatApiError(refused(str(error))) from error


async def _from_form(request: Request, body_limit_bytes: int) -> Analyze:
    form = await parse_form(request, body_limit_bytes)
    try:
        file = form.get("img")
        image = await file.read() if isinstance(file, UploadFile) else None
        return read_analyze({name: text for name, text in form.items() if isinstance(text, str)}, image)
    finally:
        await form.close()
