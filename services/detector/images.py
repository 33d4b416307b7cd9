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
"""EXIF's orientations (CIPA DC-008, 4.6.5.1.6) and the function that turns each upright."""


def decode_gray(data: bytes, pixel_limit: int) -> NDArray[np.uint8]:
    """Decode an image, turned upright by its EXIF orientation; of an animation, the first image.

    Of an animated PNG that is the default image. The decoder gets the file without its metadata, which can take longer
    to read than the image.

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
"""An image is dim if 99 of 100 of its pixels are darker."""

_MAX_GAIN = 3.0
_SAMPLE_STEP_PX = 8


def stretch_brightness(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scale a dim uint8 [height, width] image so that its light parts are medium gray; return others unchanged.

    OpenCV skips windows whose standard deviation is below ten shades, and faces in little light have no more. Crops are
    taken from the image as it was.
    """
    sample = gray[::_SAMPLE_STEP_PX, ::_SAMPLE_STEP_PX].ravel()
    darker = np.bincount(sample, minlength=256).cumsum()
    light = int(np.searchsorted(darker, 0.99 * sample.size))
    if light >= DIM_BELOW:
        return gray
    return np.asarray(cv2.convertScaleAbs(gray, alpha=min(_MAX_GAIN, DIM_BELOW / max(1, light))), np.uint8)
