"""Generated images, with mutations of their structure and bytes."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from random import Random

import numpy as np
from PIL import Image

from tests.fuzz.cases import Case, Exchange, request
from tests.fuzz.mutation import EDGES, mutated, rearranged, split_at_random

MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def image_cases(random: Random) -> Iterator[Case]:
    """Yield images for ``POST /predict``, raw and in forms, and for ``POST /detect``."""
    while True:
        data = mutated_image(random)
        match random.randrange(5):
            case 0 | 1:
                yield Case("images", _posted("gateway", "/predict", data, random))
            case 2 | 3:
                yield Case("images", _posted("detector", _detect_path(random), data, random))
            case _:
                yield Case("forms", Exchange("gateway", split_at_random(form_request(random, data), random, 3)))


def mutated_image(random: Random) -> bytes:
    """Return a mutated image, most probably invalid."""
    data = random.choice(samples())
    if random.random() < 0.7:
        data = _restructured(data, random)
    if random.random() < 0.6:
        data = mutated(data, random)
    if random.random() < 0.05:
        other = random.choice(samples())
        data = data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other)) :]
    return data


@cache
def samples() -> tuple[bytes, ...]:
    """Return valid images of every supported format, a few kilobytes each."""
    pixels = np.random.default_rng(1).integers(0, 255, (72, 96, 3), np.uint8)
    pixels[20:50, 30:70] = 180
    colour = Image.fromarray(pixels)
    other = colour.transpose(Image.Transpose.ROTATE_180)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "text " * 20
    made: list[tuple[Image.Image, str, dict[str, object]]] = [
        (colour, "JPEG", {"quality": 60}),
        (colour, "JPEG", {"quality": 40, "progressive": True}),
        (colour, "JPEG", {"quality": 60, "exif": exif, "icc_profile": b"profile" * 50, "comment": b"comment"}),
        (colour.convert("L"), "JPEG", {"quality": 50, "restart_marker_blocks": 4}),
        (colour.convert("CMYK"), "JPEG", {"quality": 50}),
        (colour, "PNG", {}),
        (colour.convert("P"), "PNG", {"bits": 4}),
        (colour.convert("1"), "PNG", {}),
        (colour.convert("LA"), "PNG", {}),
        (colour.convert("I;16"), "PNG", {}),
        (colour.convert("RGBA"), "PNG", {"save_all": True, "append_images": [other.convert("RGBA")]}),
        (colour, "WEBP", {"quality": 50}),
        (colour.convert("RGBA"), "WEBP", {"lossless": True, "exif": exif}),
        (colour, "WEBP", {"save_all": True, "append_images": [other], "duration": 50}),
    ]
    return tuple(_encoded(image, kind, options) for image, kind, options in made)


def _encoded(image: Image.Image, kind: str, options: dict[str, object]) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _restructured(data: bytes, random: Random) -> bytes:
    """Return an image with mutated segments or chunks, and valid checksums."""
    if data[:2] == b"\xff\xd8":
        return b"\xff\xd8" + b"".join(_changed(jpeg_segments(data), random, _jpeg_segment))
    if data.startswith(_PNG_HEAD):
        return _PNG_HEAD + b"".join(_changed(png_chunks(data), random, _png_chunk))
    return _riff(b"".join(_changed(riff_chunks(data), random, _riff_chunk)))


def _changed(parts: list[bytes], random: Random, change: Callable[[bytes, Random], bytes]) -> list[bytes]:
    parts = rearranged(parts, random) if random.random() < 0.6 else list(parts)
    if parts:
        at = random.randrange(len(parts))
        parts[at] = change(parts[at], random)
    return parts


def jpeg_segments(data: bytes) -> list[bytes]:
    """Return the segments after the first marker; the last one contains the compressed image."""
    parts, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        parts.append(data[at:end])
        at = end
    return [*parts, data[at:]]


def _jpeg_segment(segment: bytes, random: Random) -> bytes:
    out = bytearray(segment)
    match random.randrange(5):
        case 0 if len(out) >= 4:
            out[2:4] = (random.choice(EDGES) & 0xFFFF).to_bytes(2, "big")
        case 1 if len(out) >= 2:
            out[1] = random.choice((0x00, 0x01, 0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xC4, 0xD0, 0xD9, 0xDA, 0xDB, 0xDD, 0xE1))
        case 2 if len(out) >= 9 and 0xC0 <= out[1] <= 0xC2:
            out[5:9] = struct.pack(">HH", *(random.choice((0, 1, 8, 96, 900, 3000, 65535)) for _ in range(2)))
        case 3:
            return b"\xff" * random.choice((1, 10, 1000)) + bytes(out)
        case _:
            return mutated(bytes(out), random, 3)
    return bytes(out)


def png_chunks(data: bytes) -> list[bytes]:
    """Return the chunks, each with its length and checksum."""
    parts, at = [], len(_PNG_HEAD)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        parts.append(data[at:end])
        at = end
    return parts


def _png_chunk(chunk: bytes, random: Random) -> bytes:
    kind, body = chunk[4:8], bytearray(chunk[8:-4])
    match random.randrange(5):
        case 0 if kind == b"IHDR":
            body[0:8] = struct.pack(
                ">II", *(random.choice((0, 1, 96, 900, 3000, 2**31 - 1, 2**32 - 1)) for _ in range(2))
            )
        case 1 if kind == b"IHDR":
            body[8:13] = bytes(random.choice((0, 1, 2, 3, 4, 6, 8, 16, 255)) for _ in range(5))
        case 2:
            kind = random.choice((b"IHDR", b"IDAT", b"PLTE", b"tRNS", b"zTXt", b"iCCP", b"acTL", b"fdAT", b"IEND"))
        case 3:
            return (random.choice(EDGES) & 0xFFFFFFFF).to_bytes(4, "big") + chunk[4:]
        case _:
            body = bytearray(mutated(bytes(body), random, 3))
    checked = kind + bytes(body)
    return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))


def riff_chunks(data: bytes) -> list[bytes]:
    """Return the chunks of a WebP file, each with its length and padding."""
    parts, at = [], 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + size + size % 2
        parts.append(data[at:end])
        at = end
    return parts


def _riff_chunk(chunk: bytes, random: Random) -> bytes:
    out = bytearray(chunk)
    match random.randrange(3):
        case 0 if len(out) >= 8:
            out[4:8] = (random.choice(EDGES) & 0xFFFFFFFF).to_bytes(4, "little")
        case 1:
            out[0:4] = random.choice((b"VP8 ", b"VP8L", b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"EXIF", b"ICCP", b"XXXX"))
        case _:
            return mutated(bytes(out), random, 3)
    return bytes(out)


def _riff(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", (4 + len(chunks)) & 0xFFFFFFFF) + b"WEBP" + chunks


def _posted(service: str, path: str, data: bytes, random: Random) -> Exchange:
    headers = [("Content-Type", random.choice(MEDIA_TYPES))] if random.random() < 0.9 else []
    sent = request("POST", path, headers, data)
    return Exchange("gateway" if service == "gateway" else "detector", (sent,), complete=True)


def _detect_path(random: Random) -> str:
    boxes = [",".join(str(random.randint(-5, 120)) for _ in range(4)) for _ in range(random.choice((0, 0, 1, 3)))]
    return "/detect" + ("?" + "&".join(f"roi={box}" for box in boxes) if boxes else "")


def form_request(random: Random, data: bytes, path: str = "/predict", field: bytes = b"image") -> bytes:
    """Return a request with a mutated multipart form: boundaries, part headers, line ends, parts."""
    boundary = random.choice((b"frontier", b"a" * 70, b"a" * 2000, b"x y", b"-", b"", b"\xc3\xa9", b'=b"q'))
    file = b'Content-Disposition: form-data; name="%s"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n' % field
    text = b'Content-Disposition: form-data; name="other"\r\n\r\ntext'
    odd = random.choice(
        (b"Content-Disposition: form-data\r\n\r\n", b"\r\n", b": \r\n\r\n", b"X" * 9000, b"\x00\xff\r\n")
    )
    parts = [file + data, *random.choices((text, odd, file + data[:99]), k=random.choice((0, 1, 2, 20)))]
    if random.random() < 0.4:
        parts = rearranged(parts, random)
    end = random.choice((b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""))
    body = b"".join(b"--" + boundary + end + part + end for part in parts)
    body += random.choice((b"--" + boundary + b"--\r\n", b"--" + boundary + b"--\r\n", b"", b"--"))
    if random.random() < 0.5:
        body = mutated(body, random, 3)
    charset = random.choice((b"", b"", b"", b"; charset=utf-8", b"; charset=utf-7", b"; charset=nothing"))
    stated = random.choice((boundary, boundary, boundary, b'"' + boundary + b'"', b"another"))
    media_type = b"multipart/form-data; boundary=" + stated + charset
    return request("POST", path, [("Content-Type", media_type)], body)
