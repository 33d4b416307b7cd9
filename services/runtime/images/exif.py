"""An EXIF block's orientation, and nothing else of it."""

import struct

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
