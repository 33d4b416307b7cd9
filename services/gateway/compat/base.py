"""Shared by the compatible APIs: prediction, error formats, and parsing of request bodies."""

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

FACE_PROBABILITY = 0.97
"""Probability that a detected face is a face: 315 of 324 in the detector's evaluation were (``docs/decisions.md``).

Clients of the compatible APIs expect a number and compare it with a threshold. The cascade's own weight is not a
probability, and faces below the cascade's threshold are not found at all.
"""

MAX_JSON_VALUES = 1000
"""Most values of a JSON body. Base64 contains none of the counted characters."""

MAX_FORM_FIELDS = 32
MAX_ESCAPES = 10_000
"""Most percent-escapes of a form, those of base64's characters aside. Each takes 100 bytes while it is decoded."""

_BASE64_ESCAPES = ((b"%2B", b"+"), (b"%2F", b"/"), (b"%3D", b"="))
_LINE_BREAKS = b" \t\r\n"


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


def by_area_desc(faces: Sequence[FaceEmotion]) -> list[FaceEmotion]:
    """Return the faces by area, the largest first; equal ones keep the detector's order."""
    return sorted(faces, key=lambda face: face.box.w * face.box.h, reverse=True)


@dataclass(frozen=True)
class ErrorBody:
    """An error in the format of an API.

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
    """The error format of one API.

    Attributes:
        matches: Returns whether a request with this method and path belongs to the API.
        render: Returns the API's error for a problem.
        media_type: Media type of errors.
        request_id_header: Header in which the API's clients expect the request id, beside ours.
    """

    matches: Callable[[str, str], bool]
    render: Callable[[Problem], ErrorBody]
    media_type: str = "application/json"
    request_id_header: str | None = None

    def headers(self, request_id: str) -> dict[str, str]:
        """Return the headers of an error."""
        own = {} if self.request_id_header is None else {self.request_id_header: request_id}
        return {"Content-Type": self.media_type, **own}


class ParseError(ValueError):
    """A request can't be parsed; the message is for the client."""


def parse_json_object(body: bytes, max_values: int = MAX_JSON_VALUES) -> dict[str, Any]:
    """Return the JSON object of a body.

    Args:
        body: As received.
        max_values: Most values, approximately: a small body can contain very many objects.

    Raises:
        ParseError: It is not JSON, not an object, nested too deeply, or has too many values.
    """
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > max_values:
        raise ParseError(f"the JSON has more than {max_values:,} values")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ParseError("the body isn't JSON") from error
    if not isinstance(value, dict):
        raise ParseError("the JSON must be an object")
    return value


def parse_form_fields(body: bytes) -> dict[str, object]:
    """Return the fields of a URL-encoded form; the last one of each name.

    Raises:
        ParseError: It has too many fields or escapes, or isn't UTF-8.
    """
    if body.count(b"&") >= MAX_FORM_FIELDS:
        raise ParseError(f"the form has more than {MAX_FORM_FIELDS} fields")
    pairs = (pair.partition(b"=") for pair in body.split(b"&"))
    return {_unquote(name): _unquote(value) for name, _, value in pairs if name}


def _unquote(text: bytes) -> str:
    text = text.replace(b"+", b" ")
    for escape, character in _BASE64_ESCAPES:
        text = text.replace(escape, character).replace(escape.lower(), character)
    if text.count(b"%") > MAX_ESCAPES:
        raise ParseError("the form has too many escapes; send the image as a file")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeError as error:
        raise ParseError("the form isn't UTF-8") from error


def decode_base64(text: str) -> bytes:
    """Return the bytes of base64, which may contain line breaks.

    Raises:
        ParseError: It isn't base64.
    """
    try:
        return base64.b64decode(text.encode("ascii").translate(None, _LINE_BREAKS), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ParseError("it isn't base64") from error
