"""Decode images to grayscale pixels, with limits checked before decoding, and stretch dim ones for the search."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from services.runtime.images import ImageTooLargeError, InvalidImageError, read_header

_Pixels = NDArray[np.uint8]

_UPRIGHT: Mapping[int, Callable[[_Pixels], _Pixels]] = {
    2: lambda gray: gray[:, ::-1],
    3: lambda gray: gray[::-1, ::-1],
    4: lambda gray: gray[::-1],
    5: lambda gray: gray.T,
    6: lambda gray: gray[::-1].T,
    7: lambda gray: gray[::-1, ::-1].T,
    8: lambda gray: gray[:, ::-1].T,
}
"""EXIF's orientations (CIPA DC-008, 4.6.5.1.6) and what turns each upright."""


def decode_gray(data: bytes, pixel_limit: int) -> NDArray[np.uint8]:
    """Decode an image, turned upright by its EXIF orientation; of an animation, the first picture.

    Of an animated PNG that is the default picture. The decoder gets the file without its metadata: reading that can
    take longer than the picture.

    Returns:
        uint8 [height, width].

    Raises:
        InvalidImageError: It can't be decoded.
        ImageTooLargeError: Its header announces more than ``pixel_limit`` pixels, or decoding it would take too much
            time or memory.
    """
    header = read_header(data, pixel_limit)
    try:
        gray = cv2.imdecode(np.frombuffer(header.data, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise ImageTooLargeError("Decoding the image takes more memory than is allowed") from error
        raise InvalidImageError("The image can't be decoded") from error
    except MemoryError as error:
        raise ImageTooLargeError("Decoding the image takes more memory than is allowed") from error
    if gray is None:
        raise InvalidImageError("The image is damaged or cut off")
    if gray.shape != (header.height, header.width):
        raise InvalidImageError("The image's header is damaged")
    turned = _UPRIGHT.get(header.orientation)
    upright = gray if turned is None else np.ascontiguousarray(turned(np.asarray(gray, np.uint8)))
    return np.asarray(upright, np.uint8)


DIM_BELOW = 128
"""A picture is dim where 99 of 100 pixels are darker."""

_LARGEST_GAIN = 3.0
_EVERY_PX = 8


def brightened(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a uint8 [height, width] picture with its light parts at medium gray if it is darker, else as it is.

    OpenCV leaves out windows whose standard deviation is below ten shades, and faces in little light
    have no more.
    """
    sample = gray[::_EVERY_PX, ::_EVERY_PX].ravel()
    darker = np.bincount(sample, minlength=256).cumsum()
    light = int(np.searchsorted(darker, 0.99 * sample.size))
    if light >= DIM_BELOW:
        return gray
    return np.asarray(cv2.convertScaleAbs(gray, alpha=min(_LARGEST_GAIN, DIM_BELOW / max(1, light))), np.uint8)
