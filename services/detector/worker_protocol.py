"""Messages between the pool and a worker process, over a socket pair."""

import struct
from dataclasses import dataclass
from enum import IntEnum

import msgspec

from services.contracts.detection import Detection, SearchScope
from services.detector.options import DetectOptions, SearchSettings
from services.runtime.images import ImageTooLargeError, InvalidImageError

REQUEST_PREFIX = struct.Struct("!II")
"""Bytes of the options that follow, and of the image after them."""

REPLY_PREFIX = struct.Struct("!I")
"""Bytes of the reply that follows."""

MAX_REPLY_BYTES = 16 * 1024 * 1024
"""A face takes 3.2 KB; a longer reply is an error."""

_DETECTED = struct.Struct("!HB3d")
_SCOPES = tuple(SearchScope)


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker process gets at its start.

    Attributes:
        search: How faces are searched.
        max_work_s: Most processor time for an image, in seconds; then the process ends.
    """

    search: SearchSettings
    max_work_s: float


@dataclass(frozen=True)
class DetectReply:
    """The result of one detection.

    Attributes:
        body: The detection as JSON.
        faces: The number of faces.
        scope: Which part of the image was searched.
        seconds: Time of each step, by its name.
    """

    body: bytes
    faces: int
    scope: SearchScope
    seconds: dict[str, float]


class WorkerFailedError(Exception):
    """A worker met an unexpected error; the message names it."""


class ReplyKind(IntEnum):
    """A reply's first byte."""

    DETECTED = 0
    INVALID_IMAGE = 1
    IMAGE_TOO_LARGE = 2
    FAILED = 3
    READY = 4
    """A worker's first message: it takes images from now on."""
    NO_CASCADE = 5
    """A worker's only message: it can't load the cascade; the reason follows."""


def encode_request(options: DetectOptions, image_bytes: int) -> bytes:
    """Return what is sent before an image of this many bytes."""
    encoded = msgspec.msgpack.encode(options)
    return REQUEST_PREFIX.pack(len(encoded), image_bytes) + encoded


def decode_options(encoded: bytes) -> DetectOptions:
    """Read the options of a request."""
    return msgspec.msgpack.decode(encoded, type=DetectOptions)


def encode_detection(detection: Detection) -> bytes:
    """Return the reply with a detection."""
    timings = detection.timings_ms
    head = _DETECTED.pack(
        min(len(detection.faces), 0xFFFF),
        _SCOPES.index(detection.scope),
        timings.decode / 1e3,
        timings.search / 1e3,
        timings.crop / 1e3,
    )
    return bytes([ReplyKind.DETECTED]) + head + detection.to_json()


def encode_error(error: Exception) -> bytes:
    """Return the reply with an error."""
    if isinstance(error, InvalidImageError):
        return bytes([ReplyKind.INVALID_IMAGE]) + str(error).encode()
    if isinstance(error, ImageTooLargeError):
        return bytes([ReplyKind.IMAGE_TOO_LARGE]) + str(error).encode()
    return bytes([ReplyKind.FAILED]) + f"{type(error).__name__}: {error}"[:500].encode()


def decode_reply(reply: bytes) -> DetectReply:
    """Read the reply to a request.

    Raises:
        InvalidImageError: The image can't be decoded.
        ImageTooLargeError: The image has too many pixels, or takes too much time or memory.
        WorkerFailedError: The worker met an unexpected error.
    """
    kind = ReplyKind(reply[0])
    if kind is ReplyKind.DETECTED:
        faces, scope, decode, search, crop = _DETECTED.unpack_from(reply, 1)
        seconds = {"decode": decode, "search": search, "crop": crop}
        return DetectReply(reply[1 + _DETECTED.size :], faces, _SCOPES[scope], seconds)
    text = reply[1:].decode("utf-8", "replace")
    if kind is ReplyKind.INVALID_IMAGE:
        raise InvalidImageError(text)
    if kind is ReplyKind.IMAGE_TOO_LARGE:
        raise ImageTooLargeError(text)
    raise WorkerFailedError(text)
