"""The detector's answer: faces as boxes and as the model's input."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box, ImageSize
from services.contracts.messages import MalformedMessage, finite, whole
from services.contracts.model import FACE_SHAPE

PATIENCE_HEADER = "X-Patience-Ms"
"""How long the caller waits for the answer, in milliseconds; what can't be answered by then is refused at once."""
OVERVIEW_HEADER = "X-Overview"
"""The ``overview`` of an earlier answer: only what has changed since is searched, but for what is around the boxes
``near``, which are followed already. Empty: everything is searched. Either way the answer has an overview."""
DETECT_PATH = "/detect"
IMAGE_MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")
_PIXEL_DTYPE = np.dtype("<f4")


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
            MalformedMessage: A field is missing or can't be read.
        """
        try:
            return cls(
                image=ImageSize(whole(answer["image"]["width"]), whole(answer["image"]["height"])),
                searched=Searched(answer["searched"]),
                faces=tuple(_decode_face(face) for face in answer["faces"]),
                timings_ms=DetectTimings(
                    **{name: finite(answer["timings_ms"][name]) for name in ("decode", "search", "crop", "total")}
                ),
                overview=_overview(answer.get("overview")),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise MalformedMessage(f"detection: {error!r}") from error


def encode_pixels(pixels: NDArray[np.float32]) -> str:
    """Return pixels as base64 of little-endian float32."""
    return base64.b64encode(pixels.astype(_PIXEL_DTYPE, copy=False).tobytes()).decode("ascii")


def decode_pixels(text: str) -> NDArray[np.float32]:
    """Read base64 of little-endian float32 [48, 48, 1] in [0, 1].

    Raises:
        MalformedMessage: Not base64, not as many numbers, or one that is no brightness.
    """
    try:
        pixels = np.frombuffer(base64.b64decode(text, validate=True), _PIXEL_DTYPE).reshape(FACE_SHAPE)
    except (binascii.Error, ValueError) as error:
        raise MalformedMessage(f"pixels: {error}") from error
    if not (pixels.min() >= 0 and pixels.max() <= 1):  # so written, NaN fails too
        raise MalformedMessage("pixels: a value is outside 0 to 1")
    return pixels


def _overview(value: object) -> str | None:
    if value is not None and not (isinstance(value, str) and value.isascii() and value.isprintable()):
        raise ValueError("overview is no text for a header")
    return value


def _decode_face(face: Mapping[str, Any]) -> DetectedFace:
    box = face["box"]
    return DetectedFace(
        box=Box(whole(box["x"]), whole(box["y"]), whole(box["w"]), whole(box["h"])),
        weight=finite(face["weight"]),
        sharpness=finite(face["sharpness"]),
        pixels=decode_pixels(face["pixels"]),
    )
