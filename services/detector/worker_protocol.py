"""What the pool and a worker process say to each other over a socket pair."""

import json
import struct
from dataclasses import dataclass
from enum import IntEnum

from services.contracts.detection import Detection, Searched
from services.contracts.geometry import Box
from services.detector.options import Where, decode_overview, encode_overview
from services.runtime.images import ImageTooLargeError, InvalidImageError

REQUEST_PREFIX = struct.Struct("!II")
"""Bytes of the question that follows, and of the image after it."""

REPLY_PREFIX = struct.Struct("!I")
"""Bytes of the reply that follows."""

MAX_REPLY_BYTES = 64 * 1024 * 1024
"""A face takes 12 KB; more than this is no reply."""

_FOUND = struct.Struct("!HB3d")
_SEARCHED = tuple(Searched)


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker process is told at its start, in types that need no OpenCV.

    Attributes:
        cascade: As in the settings.
        scale_factor: As in the settings.
        min_neighbors: As in the settings.
        min_face_px: As in the settings.
        search_side_px: As in the settings.
        pixel_limit: Most pixels an image may have.
        max_work_s: Most processor time for an image, in seconds; then the process ends.
    """

    cascade: str
    scale_factor: float
    min_neighbors: int
    min_face_px: int
    search_side_px: int
    pixel_limit: int
    max_work_s: float


@dataclass(frozen=True)
class Answer:
    """What was found in an image.

    Attributes:
        body: The detection as JSON.
        faces: How many were found.
        searched: Where was searched.
        seconds: Time of each step, by its name.
    """

    body: bytes
    faces: int
    searched: Searched
    seconds: dict[str, float]


class WorkerFailedError(Exception):
    """A worker met an error of its own; the message names it."""


class Reply(IntEnum):
    """A reply's first byte."""

    FOUND = 0
    INVALID_IMAGE = 1
    IMAGE_TOO_LARGE = 2
    FAILED = 3
    READY = 4
    """A worker's first message: it takes images from now on."""
    NO_CASCADE = 5
    """A worker's only message: it can't load the cascade; the reason follows."""


def encode_request(where: Where, image_bytes: int) -> bytes:
    """Return what is sent before an image."""
    question = {
        "near": [[box.x, box.y, box.w, box.h] for box in where.near],
        "elsewhere": where.elsewhere,
        "follows": where.follows,
        "before": None if where.before is None else encode_overview(where.before),
    }
    text = json.dumps(question).encode()
    return REQUEST_PREFIX.pack(len(text), image_bytes) + text


def decode_where(text: bytes) -> Where:
    """Read a question."""
    question = json.loads(text)
    before = question["before"]
    return Where(
        [Box(*box) for box in question["near"]],
        question["elsewhere"],
        question["follows"],
        None if before is None else decode_overview(before),
    )


def encode_answer(detection: Detection) -> bytes:
    """Return a reply with what was found."""
    timings = detection.timings_ms
    found = _FOUND.pack(
        min(len(detection.faces), 0xFFFF),
        _SEARCHED.index(detection.searched),
        timings.decode / 1e3,
        timings.search / 1e3,
        timings.crop / 1e3,
    )
    return bytes([Reply.FOUND]) + found + json.dumps(detection.encode()).encode()


def encode_error(error: Exception) -> bytes:
    """Return a reply with what went wrong."""
    if isinstance(error, InvalidImageError):
        return bytes([Reply.INVALID_IMAGE]) + str(error).encode()
    if isinstance(error, ImageTooLargeError):
        return bytes([Reply.IMAGE_TOO_LARGE]) + str(error).encode()
    return bytes([Reply.FAILED]) + f"{type(error).__name__}: {error}"[:500].encode()


def decode_reply(reply: bytes) -> Answer:
    """Read a reply to a request.

    Raises:
        InvalidImageError: The image can't be decoded.
        ImageTooLargeError: The image has too many pixels or costs too much.
        WorkerFailedError: The worker met an error of its own.
    """
    kind = Reply(reply[0])
    if kind is Reply.FOUND:
        faces, searched, decode, search, crop = _FOUND.unpack_from(reply, 1)
        seconds = {"decode": decode, "search": search, "crop": crop}
        return Answer(reply[1 + _FOUND.size :], faces, _SEARCHED[searched], seconds)
    text = reply[1:].decode("utf-8", "replace")
    if kind is Reply.INVALID_IMAGE:
        raise InvalidImageError(text)
    if kind is Reply.IMAGE_TOO_LARGE:
        raise ImageTooLargeError(text)
    raise WorkerFailedError(text)
