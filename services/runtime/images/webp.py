"""WebP (RFC 9649): a RIFF file that holds a lossy or lossless bitstream, or several as an animation."""

import struct
from typing import NamedTuple

from services.runtime.images.base import (
    UPRIGHT,
    ImageFormat,
    ImageHeader,
    InvalidImageError,
    check_size,
    read_orientation,
)

MAX_CHUNKS = 1_000
"""Chunks of a file or of a frame, apart from the frames of an animation."""

MIN_FRAME_BYTES = 256
"""Mean size below which an animation's frames are refused, beyond the first ``MAX_CHUNKS`` of them."""

_RIFF_BYTES, _CHUNK_BYTES, _CANVAS_BYTES, _FRAME_BYTES = 12, 8, 10, 16
_HAS_ALPHA, _HAS_EXIF, _HAS_ANIMATION = 0x10, 0x08, 0x02


class _Chunk(NamedTuple):
    """A chunk's name, and where its content begins and ends."""

    kind: bytes
    start: int
    end: int


def is_webp(data: bytes) -> bool:
    """Tell whether data begins as a WebP file does."""
    return data[:4] == b"RIFF" and data[8:_RIFF_BYTES] == b"WEBP"


def read_webp(data: bytes, pixel_limit: int) -> ImageHeader:
    """Find the first picture and its orientation.

    Raises:
        InvalidImageError: It is malformed or cut off, or has more chunks than allowed.
        ImageTooLargeError: It has too many pixels.
    """
    end = _CHUNK_BYTES + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise _damaged()
    chunks = _first_of_each_kind(data, _RIFF_BYTES, end)
    first = next(iter(chunks.values()), None)
    if first is not None and first.kind == b"VP8X" and first.end - first.start >= _CANVAS_BYTES:
        flags = data[first.start]
        size = _uint24(data, first.start + 4) + 1, _uint24(data, first.start + 7) + 1
        check_size(*size, pixel_limit)
        picture = _first_frame(data, chunks, size, flags) if flags & _HAS_ANIMATION else _still(data, chunks, size)
        orientation = _orientation(data, chunks) if flags & _HAS_EXIF else UPRIGHT
        return ImageHeader(ImageFormat.WEBP, *size, orientation, 1, picture)
    if first is None or first.kind not in (b"VP8 ", b"VP8L"):
        raise _damaged()
    size = _bitstream_size(data, first)
    check_size(*size, pixel_limit)
    picture = data if first.end + (first.end & 1) >= len(data) else _still(data, chunks, size)
    return ImageHeader(ImageFormat.WEBP, *size, UPRIGHT, 1, picture)


def _first_of_each_kind(data: bytes, position: int, end: int) -> dict[bytes, _Chunk]:
    """Walk chunks up to the end or to one that is cut off, and return them by name, in the order of the file."""
    found: dict[bytes, _Chunk] = {}
    frames, others, most_frames = 0, 0, MAX_CHUNKS + (end - position) // MIN_FRAME_BYTES
    while position + _CHUNK_BYTES <= end:
        kind, length = struct.unpack_from("<4sI", data, position)
        start = position + _CHUNK_BYTES
        if start + length > end:
            break
        if kind == b"ANMF":
            frames += 1
        else:
            others += 1
        if others > MAX_CHUNKS or frames > most_frames:
            raise InvalidImageError("The WebP has too many chunks for its size")
        if kind not in found:
            found[kind] = _Chunk(kind, start, start + length)
        position = start + length + (length & 1)
    return found


def _bitstream_size(data: bytes, chunk: _Chunk) -> tuple[int, int]:
    """Return width and height as the header of a lossy or lossless bitstream gives them."""
    head = data[chunk.start : min(chunk.end, chunk.start + 10)]
    if chunk.kind == b"VP8L" and len(head) >= 5 and head[0] == 0x2F:
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk.kind == b"VP8 " and len(head) == 10 and not head[0] & 1 and head[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", head, 6)
        return width & 0x3FFF, height & 0x3FFF
    raise _damaged()


def _still(data: bytes, chunks: dict[bytes, _Chunk], size: tuple[int, int]) -> bytes:
    """Return a file of one picture alone, without its transparency."""
    return _riff(_packed(data, _bitstream(data, chunks, size)))


def _bitstream(data: bytes, chunks: dict[bytes, _Chunk], size: tuple[int, int]) -> _Chunk:
    found = next((chunk for kind, chunk in chunks.items() if kind in (b"VP8 ", b"VP8L")), None)
    if found is None:
        raise _damaged()
    if _bitstream_size(data, found) != size:
        raise InvalidImageError("The WebP's picture is of another size than its header says")
    return found


def _first_frame(data: bytes, chunks: dict[bytes, _Chunk], canvas: tuple[int, int], flags: int) -> bytes:
    """Return a file of an animation's first frame alone: a still picture, where the frame covers the canvas."""
    frame, anim = chunks.get(b"ANMF"), chunks.get(b"ANIM")
    if frame is None or anim is None or frame.end - frame.start < _FRAME_BYTES:
        raise _damaged()
    left, top = 2 * _uint24(data, frame.start), 2 * _uint24(data, frame.start + 3)
    size = _uint24(data, frame.start + 6) + 1, _uint24(data, frame.start + 9) + 1
    if left + size[0] > canvas[0] or top + size[1] > canvas[1]:
        raise InvalidImageError("The WebP's first frame reaches beyond its canvas")
    parts = _first_of_each_kind(data, frame.start + _FRAME_BYTES, frame.end)
    if size == canvas:
        return _still(data, parts, size)
    alpha = parts.get(b"ALPH")
    content = data[frame.start : frame.start + _FRAME_BYTES]
    content += b"" if alpha is None else _packed(data, alpha)
    content += _packed(data, _bitstream(data, parts, size))
    header = bytes((flags & (_HAS_ALPHA | _HAS_ANIMATION), 0, 0, 0))
    header += b"".join((side - 1).to_bytes(3, "little") for side in canvas)
    return _riff(_chunk(b"VP8X", header) + _packed(data, anim) + _chunk(b"ANMF", content))


def _orientation(data: bytes, chunks: dict[bytes, _Chunk]) -> int:
    exif = chunks.get(b"EXIF")
    return UPRIGHT if exif is None else read_orientation(data[exif.start : exif.end])


def _packed(data: bytes, chunk: _Chunk) -> bytes:
    return _chunk(chunk.kind, data[chunk.start : chunk.end])


def _chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) & 1)


def _riff(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def _uint24(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 3], "little")


def _damaged() -> InvalidImageError:
    return InvalidImageError("The WebP's header is cut off or damaged")
