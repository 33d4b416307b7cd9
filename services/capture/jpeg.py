"""Makes JPEGs, and tells those that a camera made from noise."""

import cv2
import numpy as np
from numpy.typing import NDArray

from services.capture.frame import Frame
from services.runtime.images import ImageFormat, ImageTooLargeError, InvalidImageError, read_header

PIXEL_LIMIT = 40_000_000
"""As the detector's."""

_START_OF_IMAGE = b"\xff\xd8"


class NotEncodable(Exception):
    """OpenCV can't make a JPEG of these pixels."""


def jpeg_of(frame: Frame, quality: int) -> bytes:
    """Return the frame as JPEG; one that the camera made is returned as it is.

    Args:
        frame: Any frame.
        quality: 1 to 100.

    Raises:
        NotEncodable: The pixels are no picture.
    """
    if isinstance(frame.picture, bytes):
        return frame.picture
    try:
        done, encoded = cv2.imencode(".jpg", frame.picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise NotEncodable(str(error)) from error
    if not done:
        raise NotEncodable("OpenCV made no JPEG of a frame")
    return encoded.tobytes()


def starts_as_jpeg(data: bytes) -> bool:
    """Tell whether data begins as a JPEG does."""
    return data.startswith(_START_OF_IMAGE)


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) of a JPEG by decoding it whole, or none where that fails or would cost too much."""
    try:
        read_header(data, PIXEL_LIMIT, (ImageFormat.JPEG,))
    except (InvalidImageError, ImageTooLargeError):
        return None
    picture: NDArray[np.generic] | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return None if picture is None else (picture.shape[1], picture.shape[0])
