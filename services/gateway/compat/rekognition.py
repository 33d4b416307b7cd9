"""``POST /`` with ``X-Amz-Target: RekognitionService.DetectFaces``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from types import MappingProxyType
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.requests import HTTPConnection

from services.contracts.emotions import Emotion
from services.contracts.geometry import ImageSize
from services.contracts.prediction import FaceEmotion, Prediction
from services.contracts.problems import Problem, ProblemKind
from services.gateway.compat.base import (
    FACE_PROBABILITY,
    CompatApiError,
    ErrorBody,
    ErrorFormat,
    UnreadableError,
    largest_first,
    predict_image,
    read_base64,
    read_object,
)
from services.gateway.dependencies import AppStateDep, upload_slot
from services.gateway.security.auth import api_key
from services.runtime.request_body import require_media_type

PATH = "/"
MEDIA_TYPE = "application/x-amz-json-1.1"
REQUEST_ID_HEADER = "x-amzn-RequestId"
_TYPES = {
    ProblemKind.UNAUTHORIZED: (403, "UnrecognizedClientException"),
    ProblemKind.CROSS_ORIGIN_FORBIDDEN: (403, "AccessDeniedException"),
    ProblemKind.BODY_TOO_SLOW: (408, "RequestTimeoutException"),
    ProblemKind.BODY_TOO_LARGE: (413, "ImageTooLargeException"),
    ProblemKind.UNSUPPORTED_MEDIA_TYPE: (415, "UnsupportedMediaTypeException"),
    ProblemKind.UNKNOWN_HOST: (421, "AccessDeniedException"),
    ProblemKind.INVALID_PARAMETER: (400, "InvalidParameterException"),
    ProblemKind.INVALID_IMAGE: (400, "InvalidImageFormatException"),
    ProblemKind.IMAGE_TOO_LARGE: (400, "ImageTooLargeException"),
    ProblemKind.RATE_LIMITED: (400, "ProvisionedThroughputExceededException"),
    ProblemKind.OVERLOADED: (500, "ThrottlingException"),
    ProblemKind.STOPPING: (503, "ServiceUnavailableException"),
    ProblemKind.DEPENDENCY_UNAVAILABLE: (503, "ServiceUnavailableException"),
    ProblemKind.DEPENDENCY_TIMEOUT: (504, "ServiceUnavailableException"),
}


def error(status: int, name: str, message: str) -> ErrorBody:
    """Return an error of that name; SDKs make an exception of it."""
    return ErrorBody(status, {"__type": name, "Code": name, "Message": message})


def _error(problem: Problem) -> ErrorBody:
    status, name = _TYPES.get(problem.kind, (problem.kind.status, "InternalServerError"))
    return error(status, name, problem.detail)


ERROR_FORMAT = ErrorFormat(
    lambda method, path: method == "POST" and path == PATH, _error, MEDIA_TYPE, REQUEST_ID_HEADER
)

_ATTRIBUTES = (
    "DEFAULT",
    "ALL",
    "AGE_RANGE",
    "BEARD",
    "EMOTIONS",
    "EYE_DIRECTION",
    "EYEGLASSES",
    "EYES_OPEN",
    "GENDER",
    "MOUTH_OPEN",
    "MUSTACHE",
    "FACE_OCCLUDED",
    "SMILE",
    "SUNGLASSES",
)
_SIGNED = "AWS4-HMAC-SHA256 "


@dataclass(frozen=True)
class DetectFaces:
    """A request that can be answered.

    Attributes:
        image: Not decoded.
        emotions: Whether emotions are told; where no attribute is named they aren't.
    """

    image: bytes
    emotions: bool


def read_detect_faces(asked: Mapping[str, object]) -> DetectFaces:
    """Return what is asked for.

    Raises:
        RefusedError: A member can't be used.
    """
    attributes = asked.get("Attributes") or ["DEFAULT"]
    if not isinstance(attributes, list) or not all(name in _ATTRIBUTES for name in attributes):
        message = f"Attributes must be a list of {', '.join(_ATTRIBUTES)}"
        raise CompatApiError(error(400, "InvalidParameterException", message))
    return DetectFaces(_image(asked.get("Image")), "ALL" in attributes or "EMOTIONS" in attributes)


def credential(request: HTTPConnection) -> str:
    """Return the key of a request: its own headers, else the access key id in its signature, which isn't checked."""
    authorization = request.headers.get("Authorization", "")
    if "x-api-key" in request.headers or not authorization.startswith(_SIGNED):
        return api_key(request)
    # By searches alone: a regular expression that tries each place anew takes seconds for 64 KB of anyone's header.
    given, scope, _ = authorization.partition("Credential=")[2].partition("/")
    return given if scope and "," not in given and not any(map(str.isspace, given)) else ""


def _image(given: object) -> bytes:
    if not isinstance(given, Mapping) or not given:
        raise CompatApiError(error(400, "InvalidParameterException", "Image is missing"))
    if given.get("S3Object") is not None:
        raise CompatApiError(error(400, "InvalidS3ObjectException", "No object is fetched here: send Image.Bytes"))
    data = given.get("Bytes")
    if not isinstance(data, str) or not data:
        raise CompatApiError(error(400, "InvalidParameterException", "Image.Bytes is missing"))
    try:
        return read_base64(data)
    except UnreadableError as unreadable:
        raise CompatApiError(error(400, "SerializationException", f"Image.Bytes: {unreadable}")) from unreadable


MAX_FACES = 100
_NAMES: Mapping[Emotion, str] = MappingProxyType(
    {
        Emotion.ANGRY: "ANGRY",
        Emotion.DISGUST: "DISGUSTED",
        Emotion.FEAR: "FEAR",
        Emotion.HAPPY: "HAPPY",
        Emotion.SAD: "SAD",
        Emotion.SURPRISE: "SURPRISED",
        Emotion.NEUTRAL: "CALM",
    }
)
"""Rekognition's names; its CONFUSED and UNKNOWN aren't among ours."""


def face_details(found: Prediction, emotions: bool) -> dict[str, Any]:
    """Return the answer: the largest faces, in ratios of the upright image's size, scores as percentages.

    What isn't measured here (pose, brightness, age and so on) is left out rather than made up.
    """
    faces = largest_first(found.faces)[:MAX_FACES]
    return {"FaceDetails": [_face(face, found.image, emotions) for face in faces]}


def _face(face: FaceEmotion, image: ImageSize, emotions: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "BoundingBox": {
            "Width": face.box.w / image.width,
            "Height": face.box.h / image.height,
            "Left": face.box.x / image.width,
            "Top": face.box.y / image.height,
        },
        "Confidence": 100 * FACE_PROBABILITY,
        "Landmarks": [],
        "Quality": {"Sharpness": 100 * face.sharpness},
    }
    if emotions:
        described["Emotions"] = _emotions(face)
    return described


def _emotions(face: FaceEmotion) -> list[dict[str, Any]]:
    """Return all emotions, the most probable first."""
    scores = sorted(face.probabilities.items(), key=lambda scored: scored[1], reverse=True)
    return [{"Type": _NAMES[emotion], "Confidence": 100 * score} for emotion, score in scores]


_OPERATION = "RekognitionService.DetectFaces"


router = APIRouter(tags=["compat"])


@router.post(PATH, summary="As Amazon Rekognition's DetectFaces", dependencies=[Depends(upload_slot)])
async def detect_faces(request: Request, state: AppStateDep) -> Response:
    started = perf_counter()
    target = request.headers.get("X-Amz-Target", "")
    if target != _OPERATION:
        message = f"X-Amz-Target must be {_OPERATION}, the only operation here; got {target[:100]!r}"
        raise CompatApiError(error(400, "UnknownOperationException", message))
    require_media_type(request.headers, (MEDIA_TYPE, "application/json"))
    try:
        members = read_object(await request.body())
    except UnreadableError as unreadable:
        raise CompatApiError(error(400, "SerializationException", str(unreadable))) from unreadable
    asked = read_detect_faces(members)
    found = await predict_image(request, state, asked.image, started)
    body = json.dumps(face_details(found, asked.emotions), allow_nan=False)
    return Response(body, headers={REQUEST_ID_HEADER: request.state.request_id}, media_type=MEDIA_TYPE)
