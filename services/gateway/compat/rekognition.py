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
    ParseError,
    by_area_desc,
    decode_base64,
    parse_json_object,
    predict_image,
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


def error_body(status: int, name: str, message: str) -> ErrorBody:
    """Return an error; SDKs raise it as an exception."""
    return ErrorBody(status, {"__type": name, "Code": name, "Message": message})


def _translate(problem: Problem) -> ErrorBody:
    status, name = _TYPES.get(problem.kind, (problem.kind.status, "InternalServerError"))
    return error_body(status, name, problem.detail)


ERROR_FORMAT = ErrorFormat(
    lambda method, path: method == "POST" and path == PATH, _translate, MEDIA_TYPE, REQUEST_ID_HEADER
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
class DetectFacesRequest:
    """A valid request.

    Attributes:
        image: Not decoded.
        emotions: Whether emotions are returned; not by default.
    """

    image: bytes
    emotions: bool


def parse_request(members: Mapping[str, object]) -> DetectFacesRequest:
    """Return the request of a JSON object.

    Raises:
        CompatApiError: A member is invalid.
    """
    attributes = members.get("Attributes") or ["DEFAULT"]
    if not isinstance(attributes, list) or not all(name in _ATTRIBUTES for name in attributes):
        message = f"Attributes must be a list of {', '.join(_ATTRIBUTES)}"
        raise CompatApiError(error_body(400, "InvalidParameterException", message))
    return DetectFacesRequest(_image(members.get("Image")), "ALL" in attributes or "EMOTIONS" in attributes)


def credential(request: HTTPConnection) -> str:
    """Return the key of a request: its own headers, else the access key id in its signature, which isn't checked."""
    authorization = request.headers.get("Authorization", "")
    if "x-api-key" in request.headers or not authorization.startswith(_SIGNED):
        return api_key(request)
    # No regular expression: on a header of 64 KB, one that restarts at each position takes seconds.
    key_id, scope, _ = authorization.partition("Credential=")[2].partition("/")
    return key_id if scope and "," not in key_id and not any(map(str.isspace, key_id)) else ""


def _image(image: object) -> bytes:
    if not isinstance(image, Mapping) or not image:
        raise CompatApiError(error_body(400, "InvalidParameterException", "Image is missing"))
    if image.get("S3Object") is not None:
        raise CompatApiError(error_body(400, "InvalidS3ObjectException", "No object is fetched here: send Image.Bytes"))
    data = image.get("Bytes")
    if not isinstance(data, str) or not data:
        raise CompatApiError(error_body(400, "InvalidParameterException", "Image.Bytes is missing"))
    try:
        return decode_base64(data)
    except ParseError as unreadable:
        raise CompatApiError(error_body(400, "SerializationException", f"Image.Bytes: {unreadable}")) from unreadable


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
"""Rekognition's names; we have no CONFUSED and UNKNOWN."""


def serialize(prediction: Prediction, emotions: bool) -> dict[str, Any]:
    """Return the answer: the largest faces, in ratios of the upright image's size, scores as percentages.

    Attributes that are not measured (pose, brightness, age and so on) are left out.
    """
    faces = by_area_desc(prediction.faces)[:MAX_FACES]
    return {"FaceDetails": [_face(face, prediction.image, emotions) for face in faces]}


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
        raise CompatApiError(error_body(400, "UnknownOperationException", message))
    require_media_type(request.headers, (MEDIA_TYPE, "application/json"))
    try:
        members = parse_json_object(await request.body())
    except ParseError as unreadable:
        raise CompatApiError(error_body(400, "SerializationException", str(unreadable))) from unreadable
    parsed = parse_request(members)
    prediction = await predict_image(request, state, parsed.image, started)
    body = json.dumps(serialize(prediction, parsed.emotions), allow_nan=False)
    return Response(body, headers={REQUEST_ID_HEADER: request.state.request_id}, media_type=MEDIA_TYPE)
