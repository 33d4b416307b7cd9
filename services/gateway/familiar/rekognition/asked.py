"""What a client of Amazon Rekognition asks DetectFaces for (its service model of 2016-06-27)."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from services.gateway.access import api_key
from services.gateway.familiar.reading import UnreadableError, read_base64
from services.gateway.familiar.rekognition.errors import error
from services.gateway.familiar.shapes import RefusedError

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
        raise RefusedError(error(400, "InvalidParameterException", message))
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
        raise RefusedError(error(400, "InvalidParameterException", "Image is missing"))
    if given.get("S3Object") is not None:
        raise RefusedError(error(400, "InvalidS3ObjectException", "No object is fetched here: send Image.Bytes"))
    data = given.get("Bytes")
    if not isinstance(data, str) or not data:
        raise RefusedError(error(400, "InvalidParameterException", "Image.Bytes is missing"))
    try:
        return read_base64(data)
    except UnreadableError as unreadable:
        raise RefusedError(error(400, "SerializationException", f"Image.Bytes: {unreadable}")) from unreadable
