"""What the compatible APIs share: prediction, errors, and parsing of bodies."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from urllib.parse import unquote_to_bytes

from fastapi import Request

from services.contracts.prediction import FaceEmotion, Prediction
from services.contracts.problems import Problem, ProblemKind, ServiceError
from services.gateway.analysis.uploads import Caller, RequestTimer
from services.gateway.api.uploads import ANY_IMAGE
from services.gateway.dependencies import AppState


async def predict_image(request: Request, state: AppState, image: bytes, started_s: float) -> Prediction:
    """Analyse an image as ``POST /predict`` does, with the same limits, deadline and metrics.

    Args:
        request: The client's request.
        state: The gateway's state.
        image: As received, not decoded.
        started_s: When the request arrived, by ``perf_counter``.

    Raises:
        ServiceError: The image can't be used, a service fails, or too many requests are in flight.
    """
    if not image:
        raise ServiceError(ProblemKind.INVALID_IMAGE, "The image is empty")
    timer = RequestTimer(started_s, perf_counter())
    return await state.upload_predictor.predict(image, ANY_IMAGE, Caller.of(request), timer)


@dataclass(frozen=True)
class ErrorBody:
    """An error in the shape of an API.

    Attributes:
        status: The HTTP status.
        body: The JSON object.
    """

    status: int
    body: Mapping[str, Any]


class CompatApiError(Exception):
    """Ends a request with an error that only its API has."""

    def __init__(self, error: ErrorBody) -> None:
        super().__init__(error.body)
        self.error = error


@dataclass(frozen=True)
class ErrorFormat:
    """How one API tells of the problems that every request can have.

    Attributes:
        matches: Tells whether a request with this method and path is for the API.
        render: Returns the API's error for a problem.
        media_type: Of its errors.
        request_id_header: Where its clients look for the request id, besides ours.
    """

    matches: Callable[[str, str], bool]
    render: Callable[[Problem], ErrorBody]
    media_type: str = "application/json"
    request_id_header: str | None = None

    def headers(self, request_id: str) -> dict[str, str]:
        """Return the headers of an error."""
        own = {} if self.request_id_header is None else {self.request_id_header: request_id}
        return {"Content-Type": self.media_type, **own}


_FEW_VALUES = 1000
"""A request about an image has a handful; base64 has none of the characters that are counted."""

MAX_FORM_FIELDS = 32
MAX_ESCAPES = 10_000
"""Of other characters than those of base64: each takes a hundred bytes while it is read."""
_BASE64_ESCAPES = ((b"%2B", b"+"), (b"%2F", b"/"), (b"%3D", b"="))

_LINE_BREAKS = b" \t\r\n"


class UnreadableError(ValueError):
    """What a client sent can't be read; the message is for people."""


def read_object(body: bytes, most_values: int = _FEW_VALUES) -> dict[str, Any]:
    """Return the JSON object of a body.

    Args:
        body: As it came.
        most_values: About how many values it may hold: small bodies can become very many objects.

    Raises:
        UnreadableError: Not JSON, no object, nested too deeply, or with more values.
    """
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > most_values:
        raise UnreadableError(f"the JSON has more than {most_values:,} values")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("the body isn't JSON") from error
    if not isinstance(found, dict):
        raise UnreadableError("the JSON must be an object")
    return found


def read_form(body: bytes) -> dict[str, object]:
    """Return the fields of a url-encoded form; of a field that is sent twice, the last.

    Raises:
        UnreadableError: It has too many fields or escapes, or isn't UTF-8.
    """
    if body.count(b"&") >= MAX_FORM_FIELDS:
        raise UnreadableError(f"the form has more than {MAX_FORM_FIELDS} fields")
    pairs = (pair.partition(b"=") for pair in body.split(b"&"))
    return {_unquoted(name): _unquoted(value) for name, _, value in pairs if name}


def _unquoted(text: bytes) -> str:
    text = text.replace(b"+", b" ")
    for escape, character in _BASE64_ESCAPES:
        text = text.replace(escape, character).replace(escape.lower(), character)
    if text.count(b"%") > MAX_ESCAPES:
        raise UnreadableError("the form has too many escapes; send the image as a file")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeError as error:
        raise UnreadableError("the form isn't UTF-8") from error


def read_base64(text: str) -> bytes:
    """Return the bytes of base64, which may be broken into lines.

    Raises:
        UnreadableError: It isn't base64.
    """
    try:
        return base64.b64decode(text.encode("ascii").translate(None, _LINE_BREAKS), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableError("it isn't base64") from error


def largest_first(faces: Sequence[FaceEmotion]) -> list[FaceEmotion]:
    """Return the faces by area; where two are the same the one that the detector is surer of comes first."""
    return sorted(faces, key=lambda face: face.box.w * face.box.h, reverse=True)


FACE_PROBABILITY = 0.97
"""The same for every face: 315 of 324 that the detector found in its evaluation were faces (``docs/decisions.md``).

Clients of the compatible APIs expect a number and compare it with a threshold. The cascade's own weight isn't a
probability, and a face below its threshold isn't found at all.
"""
