"""Image bytes → grayscale pixels, with limits checked before anything is decoded."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

_FORMATS = ("JPEG", "PNG", "WEBP")


class InvalidImageError(ValueError):
    """The bytes are no JPEG, PNG or WebP, or the picture in them is damaged or cut off."""


class ImageTooLargeError(ValueError):
    """The image has more pixels than allowed."""


def decode_gray(data: bytes, pixel_limit: int) -> NDArray[np.uint8]:
    """Decode an image, turned upright by its EXIF orientation; of an animation, the first picture.

    Returns:
        uint8 [height, width].

    Raises:
        InvalidImageError: It can't be decoded.
        ImageTooLargeError: Its header announces more than ``pixel_limit`` pixels.
    """
    _check_header(data, pixel_limit)
    try:
        gray = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error as error:
        raise InvalidImageError("The image can't be decoded") from error
    if gray is None:
        raise InvalidImageError("The image is damaged or cut off")
    return np.asarray(gray, np.uint8)


def _check_header(data: bytes, pixel_limit: int) -> None:
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
    except UnidentifiedImageError as error:
        raise InvalidImageError("The body is not a JPEG, PNG or WebP image") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLargeError(f"The image has more than {pixel_limit:,} pixels") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InvalidImageError("The image's header is damaged") from error
    if width * height > pixel_limit:
        raise ImageTooLargeError(f"The image has {width} × {height} pixels; {pixel_limit:,} are allowed")
