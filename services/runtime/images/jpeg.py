"""JPEG (ITU-T T.81): a list of segments, and after each start of scan entropy-coded data up to the next marker."""

import re

from services.runtime.images.base import (
    UPRIGHT,
    ImageFormat,
    ImageHeader,
    ImageTooLargeError,
    InvalidImageError,
    check_size,
    read_orientation,
    without,
)

JPEG_SIGNATURE = b"\xff\xd8\xff"

MAX_SEGMENTS = 1_000
"""Markers in a file, of scans and tables too. A colour profile has up to 255 segments, and extended XMP or a depth map
one for each 64 KiB: 250 in a file of 16 MiB."""

MAX_FILL_BYTES = 64 * 1024
"""Bytes before a marker that belong to no segment. Some cameras pad their headers to a whole block."""

MAX_SCANS = 100
"""Scans of a picture of any size. Encoders write 1 to 20."""

MAX_FULL_PASSES = 32
"""Budget for scans: so many times may all pixels of the largest allowed picture be visited, one component at a time.
A progressive picture takes 14 passes in colour and 24 in CMYK, as libjpeg writes them."""

_ARITHMETIC_PASSES = 2
"""Arithmetic coding takes more than twice the time of Huffman coding for a scan without data."""

_COMPONENTS = (1, 3, 4)
_SOI, _EOI, _SOS, _COM, _TEM = 0xD8, 0xD9, 0xDA, 0xFE, 0x01
_APP0, _APP1, _APP14, _APP15 = 0xE0, 0xE1, 0xEE, 0xEF
_RESTARTS = range(0xD0, 0xD8)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ARITHMETIC_FRAMES = range(0xC9, 0xD0)
_EXIF = b"Exif\0\0"

_MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
_MARKER_AFTER_SCAN = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
"""Within entropy-coded data FF 00 is an escaped FF, and restart markers belong to the data."""


def read_jpeg(data: bytes, pixel_limit: int) -> ImageHeader:  # noqa: C901 - one walk over the file, as libjpeg's
    """Walk all segments up to the end of the image, in the order in which libjpeg sees them.

    A file that is cut off within or after a scan isn't refused here: how much of it is needed, the decoder knows.

    Raises:
        InvalidImageError: It is malformed, or has more segments or fill bytes than allowed.
        ImageTooLargeError: It has too many pixels, or too many scans for its size.
    """
    size, orientation, scans, passes, weight = (0, 0), None, 0, 0, 1
    left_out: list[tuple[int, int]] = []
    position, after_scan = 2, False
    for _ in range(MAX_SEGMENTS):
        if after_scan:
            found = _MARKER_AFTER_SCAN.search(data, position)
        else:
            found = _MARKER.search(data, position, position + MAX_FILL_BYTES)
        if found is None:
            if scans and (after_scan or position + MAX_FILL_BYTES >= len(data)):
                return _header(data, size, orientation, scans, left_out, len(data))
            raise InvalidImageError("The JPEG's header is cut off or damaged")
        marker, start, position = found[1][0], found.start(), found.end()
        after_scan = False
        if marker == _EOI:
            if not scans:
                raise InvalidImageError("The JPEG holds no picture")
            return _header(data, size, orientation, scans, left_out, position)
        if marker in _RESTARTS or marker == _TEM:
            continue
        if marker == _SOI:
            raise InvalidImageError("The JPEG holds a second picture inside the first")
        length = int.from_bytes(data[position : position + 2], "big")
        end = position + max(length, 2)  # libjpeg takes a shorter one for an empty segment
        if end > len(data):
            if scans:
                return _header(data, size, orientation, scans, left_out, len(data))
            raise InvalidImageError("The JPEG's header is cut off or damaged")
        if marker == _SOS:
            if not size[0]:
                raise InvalidImageError("The JPEG has a scan before its frame header")
            scans += 1
            passes += weight * min(data[position + 2] if length > 2 else 1, max(_COMPONENTS))
            _check_scans(scans, passes, size, pixel_limit)
            after_scan = True
        elif marker in _FRAMES:
            if size[0]:
                raise InvalidImageError("The JPEG has more than one frame header")
            size = _frame_size(data[position + 2 : end])
            check_size(*size, pixel_limit)
            weight = _ARITHMETIC_PASSES if marker in _ARITHMETIC_FRAMES else 1
        elif marker == _COM or (_APP0 < marker <= _APP15 and marker != _APP14):
            left_out.append((start, end))
            if marker == _APP1 and orientation is None and not scans and data.startswith(_EXIF, position + 2):
                orientation = read_orientation(data[position + 2 + len(_EXIF) : end])
        position = end
    raise InvalidImageError(f"The JPEG has more than {MAX_SEGMENTS:,} segments")


def _header(
    data: bytes,
    size: tuple[int, int],
    orientation: int | None,
    scans: int,
    left_out: list[tuple[int, int]],
    end: int,
) -> ImageHeader:
    essential = without(data, left_out, end)
    return ImageHeader(ImageFormat.JPEG, *size, UPRIGHT if orientation is None else orientation, scans, essential)


def _frame_size(frame: bytes) -> tuple[int, int]:
    """Return width and height of a frame header's content; a height of 0 would be given later, by a DNL segment."""
    if len(frame) < 6:
        raise InvalidImageError("The JPEG's header is cut off or damaged")
    if frame[0] != 8 or frame[5] not in _COMPONENTS:
        raise InvalidImageError(
            f"The JPEG has {frame[5]} components of {frame[0]} bits; 1, 3 or 4 of 8 bits can be read"
        )
    return int.from_bytes(frame[3:5], "big"), int.from_bytes(frame[1:3], "big")


def _check_scans(scans: int, passes: int, size: tuple[int, int], pixel_limit: int) -> None:
    width, height = size
    if scans > MAX_SCANS:
        raise ImageTooLargeError(f"The JPEG has more than {MAX_SCANS} scans")
    if passes * width * height > MAX_FULL_PASSES * pixel_limit:
        raise ImageTooLargeError(f"The JPEG has too many scans for a picture of {width} × {height} pixels")
