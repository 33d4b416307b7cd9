"""Encodes frames as JPEG, and validates the JPEGs of webcams."""

import cv2
import numpy as np
from numpy.typing import NDArray

from services.capture.sources.base import Frame, Pixels
from services.runtime.images import ImageFormat, ImageTooLargeError, InvalidImageError, read_header

MAX_JPEG_BYTES = 16 * 1024 * 1024
"""Largest picture that is published: all cameras share Redis's memory."""
MAX_PIXELS = 40_000_000
"""Largest picture that the detector accepts."""

_START_OF_IMAGE = b"\xff\xd8"


class EncodeError(Exception):
    """A frame can't be encoded as a JPEG of the allowed size."""


def encode_jpeg(frame: Frame, quality: int) -> bytes:
    """Return the frame as JPEG; a JPEG that the camera made is returned unchanged.

    Args:
        frame: Any frame.
        quality: 1 to 100.

    Raises:
        EncodeError: The pixels can't be encoded, or the JPEG has more than ``MAX_JPEG_BYTES``.
    """
    jpeg = frame.picture if isinstance(frame.picture, bytes) else _encode(frame.picture, quality)
    if len(jpeg) > MAX_JPEG_BYTES:
        raise EncodeError(f"the picture has more than {MAX_JPEG_BYTES // 2**20} MiB as JPEG")
    return jpeg


def _encode(pixels: Pixels, quality: int) -> bytes:
    try:
        done, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise EncodeError("OpenCV can't encode the picture") from error
    if not done:
        raise EncodeError("OpenCV can't encode the picture")
    return encoded.tobytes()


def is_jpeg(data: bytes) -> bool:
    """Return whether the data starts like a JPEG."""
    return data.startswith(_START_OF_IMAGE)


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) of a JPEG by decoding it, or None if it is invalid or too large."""
    try:
        read_header(data, MAX_PIXELS, (ImageFormat.JPEG,))
    except (InvalidImageError, ImageTooLargeError):
        return None
    picture: NDArray[np.generic] | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return None if picture is None else (picture.shape[1], picture.shape[0])
