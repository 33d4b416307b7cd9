"""The detector's answer: faces as boxes and as the model's input."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import MAX_FACES, Box, ImageSize, decode_box, decode_size
from services.contracts.messages import MalformedMessageError, explained, finite, member, several
from services.contracts.model import FACE_SHAPE

REQUEST_TIMEOUT_HEADER = "X-Patience-Ms"
"""How long the caller waits for the answer, in milliseconds; what can't be answered by then is refused at once."""
REFERENCE_HEADER = "X-Overview"
"""The ``overview`` of an earlier answer: only what has changed since is searched, but for what is around the boxes
``near``, which are followed already. Empty: everything is searched. Either way the answer has an overview."""
DETECT_PATH = "/detect"
IMAGE_MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")
MAX_OVERVIEW_CHARS = 32_768
"""Longest overview, which travels in a header."""
_PIXEL_DTYPE = np.dtype("<f4")
_PIXELS_CHARS = 4 * -(-FACE_SHAPE[0] * FACE_SHAPE[1] * FACE_SHAPE[2] * _PIXEL_DTYPE.itemsize // 3)


class Searched(StrEnum):
    """Where the detector looked."""

    HINTS = "hints"
    FULL = "full"
    CHANGES = "changes"


@dataclass(frozen=True, eq=False)
class DetectedFace:
    """One face.

    Attributes:
        box: The face in the upright image.
        weight: The Haar cascade's level weight: higher is surer; not a probability.
        sharpness: 0 (no detail) to 1 (crisp), of the pixels.
        pixels: float32 [48, 48, 1] in [0, 1].
    """

    box: Box
    weight: float
    sharpness: float
    pixels: NDArray[np.float32]


@dataclass(frozen=True)
class DetectTimings:
    """Milliseconds spent in each step."""

    decode: float
    search: float
    crop: float
    total: float


@dataclass(frozen=True, eq=False)
class Detection:
    """All faces of one image, the primary one first.

    Attributes:
        image: The upright image's size.
        searched: Where was looked.
        faces: What was found there.
        timings_ms: What it took.
        overview: For the next question about the same camera, where it was asked for; its meaning is the detector's.
    """

    image: ImageSize
    searched: Searched
    faces: tuple[DetectedFace, ...]
    timings_ms: DetectTimings
    overview: str | None = None

    def encode(self) -> dict[str, Any]:
        """Return the answer's JSON object."""
        answer = {
            "image": asdict(self.image),
            "searched": self.searched.value,
            "faces": [
                {
                    "box": asdict(face.box),
                    "weight": face.weight,
                    "sharpness": face.sharpness,
                    "pixels": encode_pixels(face.pixels),
                }
                for face in self.faces
            ],
            "timings_ms": asdict(self.timings_ms),
        }
        if self.overview is not None:
            answer["overview"] = self.overview
        return answer

    @classmethod
    def decode(cls, answer: Mapping[str, Any]) -> "Detection":
        """Read the answer's JSON object; fields it doesn't know are ignored.

        Raises:
            MalformedMessageError: A field is missing or can't be read.
        """
        try:
            return cls(
                image=decode_size(answer["image"]),
                searched=member(Searched, answer["searched"]),
                faces=several(_decode_face, answer["faces"], MAX_FACES),
                timings_ms=DetectTimings(
                    **{name: finite(answer["timings_ms"][name]) for name in ("decode", "search", "crop", "total")}
                ),
                overview=_overview(answer.get("overview")),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise explained("detection", error) from None


def encode_pixels(pixels: NDArray[np.float32]) -> str:
    """Return pixels as base64 of little-endian float32."""
    return base64.b64encode(pixels.astype(_PIXEL_DTYPE, copy=False).tobytes()).decode("ascii")


def decode_pixels(text: str) -> NDArray[np.float32]:
    """Read base64 of little-endian float32 [48, 48, 1] in [0, 1].

    Raises:
        MalformedMessageError: Not base64, not as many numbers, or one that is no brightness.
    """
    if not isinstance(text, str) or len(text) != _PIXELS_CHARS:
        raise MalformedMessageError(f"pixels: not {_PIXELS_CHARS:,} characters of base64")
    try:
        pixels = np.frombuffer(base64.b64decode(text, validate=True), _PIXEL_DTYPE).reshape(FACE_SHAPE)
    except (binascii.Error, ValueError):
        raise MalformedMessageError("pixels: not base64 of so many numbers") from None
    if not (pixels.min() >= 0 and pixels.max() <= 1):  # so written, NaN fails too
        raise MalformedMessageError("pixels: a value is outside 0 to 1")
    return pixels


def _overview(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MAX_OVERVIEW_CHARS or not (value.isascii() and value.isprintable()):
        raise MalformedMessageError(f"overview is not a header's text of at most {MAX_OVERVIEW_CHARS:,} characters")
    return value


def _decode_face(face: Mapping[str, Any]) -> DetectedFace:
    return DetectedFace(
        box=decode_box(face["box"]),
        weight=finite(face["weight"]),
        sharpness=finite(face["sharpness"]),
        pixels=decode_pixels(face["pixels"]),
    )
