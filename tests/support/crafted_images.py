"""Image files that no encoder writes: each repeats a part of its format as often as it goes, or announces too much."""

import struct
import zlib
from collections.abc import Iterable
from functools import cache

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
WIDE, HIGH = 7000, 5670
"""39.7 megapixels, just within the detector's limit."""


def segment(marker: int, content: bytes = b"") -> bytes:
    """Return a JPEG segment."""
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def frame_header(width: int, height: int, components: int = 1, marker: int = 0xC2) -> bytes:
    parts = b"".join(bytes([number, 0x11, 0]) for number in range(1, components + 1))
    return segment(marker, struct.pack(">BHHB", 8, height, width, components) + parts)


def tables() -> bytes:
    """Return a quantization table and Huffman tables of one code each."""
    one_code = bytes([1] + [0] * 15)
    return (
        segment(0xDB, b"\0" + bytes([16] * 64))
        + segment(0xC4, b"\x00" + one_code + b"\x00")
        + segment(0xC4, b"\x10" + one_code + b"\xe0")
    )


def scan(components: int = 1, first: int = 1, last: int = 63, bits: int = 0, data: bytes = b"\x7f\x00") -> bytes:
    """Return a progressive scan."""
    parts = b"".join(bytes([number, 0]) for number in range(1, components + 1))
    return segment(0xDA, bytes([components]) + parts + bytes([first, last, bits])) + data


def jpeg_with_scans(
    scans: int, width: int = WIDE, height: int = HIGH, components: int = 1, marker: int = 0xC2
) -> bytes:
    """Return a progressive JPEG whose scans change nothing and take no data."""
    head = b"\xff\xd8" + tables() + frame_header(width, height, components, marker)
    return head + scan(components, 0, 0, data=bytes(8)) + scan() * scans + b"\xff\xd9"


def jpeg_with(inserted: bytes, before_frame: bool = True, width: int = 64, height: int = 64) -> bytes:
    """Return a small JPEG with bytes before its frame header, or between its first scan and a second one."""
    head, frame, first = b"\xff\xd8" + tables(), frame_header(width, height), scan(1, 0, 0, data=bytes(8))
    if before_frame:
        return head + inserted + frame + first + scan() + b"\xff\xd9"
    return head + frame + first + inserted + scan() + b"\xff\xd9"


def tiff(entries: Iterable[tuple[int, int, int, int]], blob: bytes = b"", order: str = "<", offset: int = 8) -> bytes:
    """Return an EXIF block; an entry is its tag, type, count and value or offset."""
    entries = list(entries)
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, offset)
    directory = struct.pack(f"{order}H", len(entries)) + b"".join(
        struct.pack(f"{order}HHII", *entry) for entry in entries
    )
    return head + directory + struct.pack(f"{order}I", 0) + blob


@cache
def overlapping_exif(entries: int = 65_535, length: int = 4_000_000) -> bytes:
    """Return an EXIF block in which each entry is a text that takes up nearly all of the block."""
    at = 14 + 12 * entries
    return tiff([(0x010E, 2, length, at)] * entries, b"y" * length)


def png_chunk(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(
    width: int = 64,
    height: int = 64,
    before_data: bytes = b"",
    data: bytes | None = None,
    after_data: bytes = b"",
    depth: int = 8,
    interlaced: bool = False,
) -> bytes:
    """Return a gray PNG; ``data`` are whole chunks, by default those of a black image."""
    if data is None:
        row_bytes = 1 + (width * depth + 7) // 8
        data = png_chunk(b"IDAT", compressed_zeros(row_bytes * height))
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, int(interlaced)))
    return PNG_SIGNATURE + header + before_data + data + after_data + png_chunk(b"IEND")


@cache
def compressed_zeros(count: int) -> bytes:
    """Return many zeros as a zlib stream: a thousandth of their length."""
    packer, piece = zlib.compressobj(9), bytes(1_000_000)
    parts = [packer.compress(piece[: count - start]) for start in range(0, count, len(piece))]
    return b"".join(parts) + packer.flush()


@cache
def bomb(megabytes: int = 8_000) -> bytes:
    """Return zeros as a zlib stream of a thousandth of their length, with a wrong checksum at the end."""
    packer = zlib.compressobj(9)
    start = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + again * (megabytes - 1) + packer.flush()


def png_frames(count: int) -> bytes:
    """Return the chunks of an animation's frames, of one pixel each."""
    pixel = zlib.compress(b"\0\0")
    frames = (
        png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", 2 * number, 1, 1, 0, 0, 1, 10, 0, 0))
        + png_chunk(b"fdAT", struct.pack(">I", 2 * number + 1) + pixel)
        for number in range(count)
    )
    return b"".join(frames)


def webp_chunk(kind: bytes, content: bytes = b"") -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) & 1)


def webp(*chunks: bytes) -> bytes:
    content = b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content) + 4) + b"WEBP" + content


def webp_canvas(width: int, height: int, flags: int = 0) -> bytes:
    return webp_chunk(b"VP8X", struct.pack("<I", flags) + _uint24(width - 1) + _uint24(height - 1))


def webp_frame(bitstream: bytes, width: int, height: int, left: int = 0, top: int = 0) -> bytes:
    place = _uint24(left // 2) + _uint24(top // 2) + _uint24(width - 1) + _uint24(height - 1) + _uint24(100)
    return webp_chunk(b"ANMF", place + b"\0" + bitstream)


def _uint24(number: int) -> bytes:
    return number.to_bytes(3, "little")
