"""Makes JPEGs, and tells those that a camera made from noise."""

import cv2
import numpy as np
from numpy.typing import NDArray

from services.capture.sources.base import Frame, Pixels
from services.runtime.images import ImageFormat, ImageTooLargeError, InvalidImageError, read_header

MAX_JPEG_BYTES = 16 * 1024 * 1024
"""The largest picture that goes to Redis, whose memory all cameras share."""
MAX_PIXELS = 40_000_000
"""The largest picture that the rest of the system takes."""

_START_OF_IMAGE = b"\xff\xd8"


class NotEncodable(Exception):
    """There is no JPEG of a frame that could be published."""


def jpeg_of(frame: Frame, quality: int) -> bytes:
    """Return the frame as JPEG; one that the camera made is returned as it is.

    Args:
        frame: Any frame.
        quality: 1 to 100.

    Raises:
        NotEncodable: The pixels are no picture, or its JPEG has more than ``MAX_JPEG_BYTES``.
    """
    jpeg = frame.picture if isinstance(frame.picture, bytes) else _encoded(frame.picture, quality)
    if len(jpeg) > MAX_JPEG_BYTES:
        raise NotEncodable(f"the picture has more than {MAX_JPEG_BYTES // 2**20} MiB as JPEG")
    return jpeg


def _encoded(pixels: Pixels, quality: int) -> bytes:
    try:
        done, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise NotEncodable("OpenCV makes no JPEG of the picture") from error
    if not done:
        raise NotEncodable("OpenCV makes no JPEG of the picture")
    return encoded.tobytes()


def starts_as_jpeg(data: bytes) -> bool:
    """Tell whether data begins as a JPEG does."""
    return data.startswith(_START_OF_IMAGE)


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) of a JPEG by decoding it whole, or none where that fails or would cost too much."""
    try:
        read_header(data, MAX_PIXELS, (ImageFormat.JPEG,))
    except (InvalidImageError, ImageTooLargeError):
        return None
    picture: NDArray[np.generic] | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return None if picture is None else (picture.shape[1], picture.shape[0])
