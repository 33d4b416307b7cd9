"""The detector's HTTP API: headers, query parameters and the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from services.contracts.geometry import MAX_FACES, Box, ImageSize
from services.contracts.messages import decode_json, encode_json
from services.contracts.model import FACE_SHAPE, FACE_SIDE

DETECT_PATH = "/detect"
IMAGE_MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")

REQUEST_TIMEOUT_HEADER = "X-Request-Timeout-Ms"
"""How long the caller waits for the answer, in milliseconds. The detector rejects an image at once if it can't be
finished by then."""

REFERENCE_HEADER = "X-Reference-Frame"
"""The ``reference`` of an earlier answer about the same camera: only what has changed since then is searched, except
around the regions ``roi``, whose faces are tracked already. Empty: the whole image is searched. In both cases the
answer has a new reference."""

ROI_PARAMETER = "roi"
"""Query parameter, repeatable, ``x,y,w,h``: a region whose surroundings are searched, instead of the whole image."""

FALLBACK_PARAMETER = "fallback"
"""Query parameter: whether the whole image is searched if a region yields no face."""

MAX_ROIS = 32

MAX_REFERENCE_CHARS = 32_768
"""Longest reference; it is sent as a header."""

_FACE_BYTES = FACE_SIDE * FACE_SIDE

_Pixels = Annotated[bytes, Meta(min_length=_FACE_BYTES, max_length=_FACE_BYTES)]
_Reference = Annotated[str, Meta(max_length=MAX_REFERENCE_CHARS, pattern=r"^[ -~]*\Z")]


class SearchScope(StrEnum):
    """Which part of the image was searched."""

    ROI = "roi"
    FULL = "full"
    CHANGED = "changed"


@dataclass(frozen=True)
class DetectedFace:
    """One face.

    Attributes:
        box: The face in the upright image.
        weight: The Haar cascade's level weight: higher is surer; not a probability.
        sharpness: 0 (no detail) to 1 (crisp), of the pixels.
        pixels: uint8 [48, 48], row by row, 0 is black; base64 in JSON.
    """

    box: Box
    weight: float
    sharpness: float
    pixels: _Pixels


@dataclass(frozen=True)
class DetectTimings:
    """Milliseconds spent in each step."""

    decode: float
    search: float
    crop: float
    total: float


@dataclass(frozen=True)
class Detection:
    """All faces of one image, the primary one first.

    Attributes:
        image: The upright image's size.
        scope: Which part of it was searched.
        faces: The faces found there.
        timings_ms: Time of each step.
        reference: For the next request about the same camera, if this one had a reference; opaque to the caller.
    """

    image: ImageSize
    scope: SearchScope
    faces: Annotated[tuple[DetectedFace, ...], Meta(max_length=MAX_FACES)]
    timings_ms: DetectTimings
    reference: _Reference | None = None

    def to_json(self) -> bytes:
        """Return the answer as JSON."""
        return encode_json(self)

    @classmethod
    def from_json(cls, body: bytes) -> "Detection":
        """Read the answer; unknown fields are ignored.

        Raises:
            MalformedMessageError: It isn't JSON, or a field is missing or has an invalid value.
        """
        return decode_json("detection", body, cls)


def model_input(faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
    """Return faces as the model's input: float32 [n, 48, 48, 1] in [0, 1], each value k/255."""
    pixels = np.frombuffer(b"".join(face.pixels for face in faces), np.uint8)
    return pixels.reshape(-1, *FACE_SHAPE).astype(np.float32) / np.float32(255)
