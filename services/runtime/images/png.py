"""PNG (W3C, third edition): a signature and a list of chunks."""

import struct

from services.runtime.images.base import (
    UPRIGHT,
    ImageFormat,
    ImageHeader,
    InvalidImageError,
    check_size,
    read_orientation,
    without,
)

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_CHUNKS = 1_000
"""Chunks that hold no pixels."""

MIN_DATA_CHUNK_BYTES = 512
"""Mean size below which chunks with pixels, of an animation too, are refused, beyond the first ``MAX_CHUNKS`` of them.
libpng writes 8 KiB."""

_MAX_LENGTH = 2**31 - 1
_IHDR_BYTES = 13
_FIRST_CHUNK = len(PNG_SIGNATURE)
_DATA = (b"IDAT", b"fdAT", b"fcTL")
_TRANSPARENCY = b"tRNS"
_EXIF = b"eXIf"
_END = b"IEND"
_ANCILLARY = 0x20
"""The bit that is set in the first letter of a chunk's name where a decoder may ignore the chunk."""

_CHUNK = struct.Struct(">I4s")


def read_png(data: bytes, pixel_limit: int) -> ImageHeader:
    """Walk all chunks up to the end of the image.

    Of an animation the default picture is kept. What is cut off or damaged isn't refused here unless it is the header.

    Raises:
        InvalidImageError: The header is damaged, or there are more chunks than allowed.
        ImageTooLargeError: It has too many pixels.
    """
    start = _FIRST_CHUNK + _CHUNK.size
    if data[_FIRST_CHUNK:start] != _CHUNK.pack(_IHDR_BYTES, b"IHDR") or len(data) < start + _IHDR_BYTES:
        raise InvalidImageError("The PNG's header is cut off or damaged")
    width, height = struct.unpack_from(">II", data, start)
    check_size(width, height, pixel_limit)
    orientation: int | None = None
    left_out: list[tuple[int, int]] = []
    others, data_chunks, most_data_chunks = 0, 0, MAX_CHUNKS + len(data) // MIN_DATA_CHUNK_BYTES
    position, last = start + _IHDR_BYTES + 4, len(data) - _CHUNK.size
    while position <= last:
        length, kind = _CHUNK.unpack_from(data, position)
        end = position + _CHUNK.size + length + 4
        if length > _MAX_LENGTH or end > len(data):
            break
        if kind == _END:
            return _header(data, width, height, orientation, left_out, end)
        if kind in _DATA:
            data_chunks += 1
            if data_chunks > most_data_chunks:
                raise InvalidImageError(f"The PNG has chunks of less than {MIN_DATA_CHUNK_BYTES} bytes in the mean")
        else:
            others += 1
            if others > MAX_CHUNKS:
                raise InvalidImageError(f"The PNG has more than {MAX_CHUNKS:,} chunks beside those with pixels")
        if kind[0] & _ANCILLARY and kind != _TRANSPARENCY:
            left_out.append((position, end))
            if kind == _EXIF and orientation is None:
                orientation = read_orientation(data[position + _CHUNK.size : end - 4])
        position = end
    return _header(data, width, height, orientation, left_out, len(data))


def _header(
    data: bytes, width: int, height: int, orientation: int | None, left_out: list[tuple[int, int]], end: int
) -> ImageHeader:
    essential = without(data, left_out, end)
    return ImageHeader(ImageFormat.PNG, width, height, UPRIGHT if orientation is None else orientation, 1, essential)
