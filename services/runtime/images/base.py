"""Types, errors and helpers that the readers of image headers share, and the EXIF orientation."""

import struct
from dataclasses import dataclass
from enum import StrEnum


class ImageFormat(StrEnum):
    """A format that is read."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"


class InvalidImageError(ValueError):
    """The bytes are no JPEG, PNG or WebP, or the picture in them is damaged, cut off or malformed."""


class ImageTooLargeError(ValueError):
    """Decoding the image would cost more than is allowed: it has too many pixels or too many scans."""


@dataclass(frozen=True, eq=False)
class ImageHeader:
    """What an image file announces.

    Attributes:
        format: The file's format.
        width: Pixels of a stored row, before the orientation is applied.
        height: Stored rows, before the orientation is applied.
        orientation: 1 to 8, as in EXIF; 1 where the file names none.
        scans: Scans of a JPEG; 1 for other formats.
        data: The file without metadata, thumbnails and pictures after the first; the bytes given, where there are none.
            It has no orientation, so decoders leave the picture as it is stored.
    """

    format: ImageFormat
    width: int
    height: int
    orientation: int
    scans: int
    data: bytes


def check_size(width: int, height: int, pixel_limit: int) -> None:
    """Raise where a picture has no pixels or more than allowed.

    Raises:
        InvalidImageError: A side is 0.
        ImageTooLargeError: There are more than ``pixel_limit`` pixels.
    """
    if width < 1 or height < 1:
        raise InvalidImageError(f"The image has {width} × {height} pixels")
    if width * height > pixel_limit:
        raise ImageTooLargeError(f"The image has {width} × {height} pixels; {pixel_limit:,} are allowed")


def without(data: bytes, left_out: list[tuple[int, int]], end: int) -> bytes:
    """Return a file's first ``end`` bytes without some ranges, which are in order and don't overlap."""
    if not left_out and end >= len(data):
        return data
    view, parts, start = memoryview(data), [], 0
    for first, last in left_out:
        parts.append(view[start:first])
        start = last
    parts.append(view[start:end])
    return b"".join(parts)


UPRIGHT = 1
MAX_ENTRIES = 1_000
"""Entries of the first directory that are looked at; cameras write some dozens."""

_ORIENTATION_TAG = 0x0112
_ENTRY_BYTES = 12


def read_orientation(exif: bytes) -> int:
    """Return the orientation, 1 to 8, of an EXIF block that begins with its TIFF header.

    1 where it has none or can't be read: a picture isn't refused for its metadata. The first directory's first
    entry counts, as in OpenCV and libexif.
    """
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return UPRIGHT
    mark, offset = struct.unpack_from(f"{order}HI", exif, 2)
    if mark != 42 or offset + 2 > len(exif):
        return UPRIGHT
    (count,) = struct.unpack_from(f"{order}H", exif, offset)
    first = offset + 2
    whole = min(count, MAX_ENTRIES, (len(exif) - first) // _ENTRY_BYTES)
    entries = memoryview(exif)[first : first + whole * _ENTRY_BYTES]
    for tag, _, _, value, _ in struct.iter_unpack(f"{order}HHIHH", entries):
        if tag == _ORIENTATION_TAG:
            return value if 1 <= value <= 8 else UPRIGHT
    return UPRIGHT
