"""JPEG bytes to pixels and back."""

import io

from PIL import Image, ImageOps, UnidentifiedImageError

PIXEL_LIMIT = 40_000_000
"""The detector's, checked before decoding."""

_ORIENTATION = 0x0112
_UPRIGHT = 1


class DamagedJpegError(ValueError):
    """The bytes are no JPEG, it is damaged or cut off, or it has too many pixels."""


def decoded(jpeg: bytes) -> Image.Image:
    """Return an upright picture in red, green and blue.

    Raises:
        DamagedJpegError: It can't be decoded.
    """
    try:
        image: Image.Image = Image.open(io.BytesIO(jpeg), formats=["JPEG"])
        if image.width * image.height > PIXEL_LIMIT:
            raise DamagedJpegError(
                f"The picture has {image.width} × {image.height} pixels; {PIXEL_LIMIT:,} are allowed"
            )
        image.load()
        if image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT:
            image = ImageOps.exif_transpose(image)
    except UnidentifiedImageError as error:
        raise DamagedJpegError("The picture is no JPEG") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DamagedJpegError(f"The picture has more than {PIXEL_LIMIT:,} pixels") from error
    except (OSError, SyntaxError, EOFError) as error:
        raise DamagedJpegError("The picture is damaged or cut off") from error
    return image if image.mode == "RGB" else image.convert("RGB")


def encoded(image: Image.Image, quality: int) -> bytes:
    """Return a JPEG of a picture, without any metadata."""
    image.info.clear()
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
