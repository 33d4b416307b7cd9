"""JPEG bytes to pixels and back."""

import io
from collections.abc import Mapping

from PIL import Image, UnidentifiedImageError

from services.runtime.images import ImageFormat, ImageTooLargeError, InvalidImageError, read_header

PIXEL_LIMIT = 12_500_000
"""Cameras have up to 12 megapixels. Threads can't be stopped, so what a picture may cost is bounded beforehand: as many
pixels, with as many scans as are accepted for them, take about half a second and 200 MB."""

_UPRIGHT: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF's orientations and what turns each upright."""


class DamagedJpegError(ValueError):
    """The bytes are no JPEG, it is damaged or cut off, or it has too many pixels or scans."""


def decoded(jpeg: bytes) -> Image.Image:
    """Return an upright picture in red, green and blue.

    Raises:
        DamagedJpegError: It can't be decoded, or would cost too much.
    """
    try:
        header = read_header(jpeg, PIXEL_LIMIT, (ImageFormat.JPEG,))
    except (InvalidImageError, ImageTooLargeError) as error:
        raise DamagedJpegError(f"The picture can't be drawn on: {error}") from error
    try:
        # Without metadata: Pillow reads EXIF and MPF directories when it opens a file.
        image: Image.Image = Image.open(io.BytesIO(header.data), formats=["JPEG"])
        if image.size != (header.width, header.height):
            raise DamagedJpegError("The picture is damaged")
        image.load()
    except UnidentifiedImageError as error:
        raise DamagedJpegError("The picture is damaged") from error
    except (OSError, SyntaxError, EOFError) as error:
        raise DamagedJpegError("The picture is damaged or cut off") from error
    if header.orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[header.orientation])
    return image if image.mode == "RGB" else image.convert("RGB")


def encoded(image: Image.Image, quality: int) -> bytes:
    """Return a JPEG of a picture, without any metadata."""
    image.info.clear()
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
