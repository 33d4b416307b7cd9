"""Input at the size limits with many small elements; each case is sent alone, and its cost is measured."""

import json
import struct
import zlib
from collections.abc import Iterator
from random import Random

from tests.fuzz.cases import Call, Case, Exchange, Writes, request
from tests.fuzz.grpc_cases import PREDICT
from tests.fuzz.image_cases import jpeg_segments, png_chunks, riff_chunks, samples
from tests.fuzz.raw_websocket_cases import frame, handshake

BODY_BYTES = 10 * 1024 * 1024 - 4096
"""Just below the size limit of a body."""

_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_JSON = [("Content-Type", "application/json")]


def heavy_cases(random: Random) -> Iterator[Case]:
    """Yield images, bodies, heads, frames and messages of many elements."""
    makers = (_jpeg, _scans, _png, _webp, _json, _json, _form, _url_encoded, _head, _websocket, _serving, _grpc, _redis)
    while True:
        made = random.choice(makers)(random)
        yield Case("heavy", made)


def _upload(data: bytes, random: Random) -> Exchange:
    service, path = random.choice((("gateway", "/predict"), ("detector", "/detect")))
    sent = request("POST", path, [("Content-Type", "application/octet-stream")], data[:BODY_BYTES])
    return Exchange("gateway" if service == "gateway" else "detector", (sent,), complete=True)


def _jpeg(random: Random) -> Exchange:
    sample = random.choice([data for data in samples() if data[:2] == b"\xff\xd8"])
    *segments, scan = jpeg_segments(sample)
    if random.random() < 0.5:  # the cost of a scan grows with the image
        segments = [_enlarged(segment) for segment in segments]
    unit = random.choice(
        (
            b"\xff",
            b"\xff\xe1\x00\x02",
            b"\xff\xfe\x00\x03x",
            b"\xff\xdd\x00\x04\x00\x01",
            b"\xff\xdb\x00\x43\x00" + bytes([1] * 64),
            b"\xff\xc4\x00\x14\x00" + bytes([1]) + bytes(15) + b"\x00",
            b"\xff\xd0",
            b"\xff\xe2\x00\x10ICC_PROFILE\x00\x01\xff",
            b"\xff\xe1\x00\x0aExif\x00\x00II",
            b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00\x7f\xff\x00",
            scan[:60],
        )
    )
    repeated = unit * (random.choice((2_000, 100_000, BODY_BYTES)) // len(unit))
    places = [b"".join(segments) + repeated + scan, repeated + b"".join(segments) + scan]
    ended = scan.removesuffix(b"\xff\xd9")
    return _upload(b"\xff\xd8" + random.choice((*places, b"".join(segments) + ended + repeated + b"\xff\xd9")), random)


def _scans(random: Random) -> Exchange:
    """Return a progressive JPEG of many scans, each of which ends whole rows of blocks at once."""
    width, height = random.choice(((16, 16), (1000, 1000), (6500, 6000), (65000, 600)))
    components = random.choice((1, 1, 3))
    blocks = -(-width // 8) * -(-height // 8)
    # One code of a single bit: E0 ends 2^14 blocks plus the number in the next 14 bits.
    table = b"\xff\xc4\x00\x14\x10" + bytes([1]) + bytes(15) + b"\xe0"
    bits = "0" + "1" * 14
    run = bits * (blocks // 32767 + 1)
    run += "1" * (-len(run) % 8)
    data = int(run, 2).to_bytes(len(run) // 8, "big").replace(b"\xff", b"\xff\x00")
    first, last = random.choice(((1, 63), (1, 1), (5, 63)))
    low = random.choice((0x00, 0x01, 0x10, 0x21))
    scans = [
        b"\xff\xda\x00\x08\x01" + bytes([component + 1, 0, first, last, low]) + data for component in range(components)
    ]
    frame_header = struct.pack(">BHHB", 8, height, width, components)
    frame_header += b"".join(bytes([component + 1, 0x11, 0]) for component in range(components))
    quantization = b"\xff\xdb\x00\x43\x00" + bytes([1] * 64)
    start = b"\xff\xd8" + quantization + b"\xff\xc2" + struct.pack(">H", len(frame_header) + 2) + frame_header + table
    count = random.choice((40, 65, 300, 2000, BODY_BYTES)) // components
    count = min(count, (BODY_BYTES - len(start)) // sum(map(len, scans)))
    return _upload(start + b"".join(scans) * max(count, 1) + b"\xff\xd9", random)


def _enlarged(segment: bytes) -> bytes:
    is_frame = segment[:1] == b"\xff" and segment[1] in (0xC0, 0xC1, 0xC2)
    return segment[:5] + struct.pack(">HH", 6000, 6500) + segment[9:] if is_frame else segment


def _png(random: Random) -> Exchange:
    sample = random.choice([data for data in samples() if data.startswith(_PNG_HEAD)])
    header, *chunks = png_chunks(sample)
    kind = random.choice((b"IDAT", b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"sPLT", b"PLTE", b"fcTL", b"xxxx", b"eXIf"))
    content = random.choice((b"", b"k\x00\x00" + zlib.compress(bytes(1_000_000)), b"k\x00v"))
    unit = struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    repeated = unit * (random.choice((10_000, BODY_BYTES)) // len(unit))
    return _upload(_PNG_HEAD + header + repeated + b"".join(chunks), random)


def _webp(random: Random) -> Exchange:
    chunks = riff_chunks(random.choice([data for data in samples() if data[:4] == b"RIFF"]))
    unit = random.choice(
        (b"XXXX" + bytes(4), b"EXIF" + bytes(4), chunks[-1], b"ANMF" + struct.pack("<I", 16) + bytes(16))
    )
    repeated = unit * (random.choice((10_000, BODY_BYTES - 100_000)) // len(unit))
    body = b"".join(random.choice(([*chunks, repeated], [chunks[0], repeated, *chunks[1:]])))
    return _upload(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body, random)


def _json(random: Random) -> Exchange:
    path = random.choice(("/analyze", "/api/v1/detection/detect", "/", "/v2/models/emotion/infer"))
    headers = [*_JSON, ("X-Amz-Target", "RekognitionService.DetectFaces")]
    return Exchange("gateway", (request("POST", path, headers, _nested_json(random, BODY_BYTES)),), complete=True)


def _nested_json(random: Random, size: int) -> bytes:
    unit, close = random.choice(
        (
            (b"[],", b"0]"),
            (b"{},", b"0]"),
            (b'"",', b"0]"),
            (b"0,", b"0]"),
            (b"1e9,", b"0]"),
            (b"[", b""),
            (b'{"":', b""),
        )
    )
    name = random.choice((b'{"img":[', b'{"inputs":[', b'{"instances":[', b'{"file":[', b'{"x":['))
    if random.random() < 0.2:
        return json.dumps({"img": "data:image/png;base64," + "A" * (size - 100)}).encode()
    return name + unit * ((size - 100) // len(unit)) + close + b"}"


def _form(random: Random) -> Exchange:
    path, field = random.choice((("/predict", b"image"), ("/analyze", b"img"), ("/api/v1/detection/detect", b"file")))
    part = b"--b\r\nContent-Disposition: form-data; name=%s\r\n\r\n\r\n" % random.choice(
        (b"x", field, b'"' + field + b'"')
    )
    unit = random.choice(
        (part, b"--b\r\n", b"\r\n", b"--b\r\nX: y\r\n", b"\r", b"--b", b"--b\r\n" + b"X: y\r\n" * 1000)
    )
    body = random.choice((b"", b"--b\r\n")) + unit * ((BODY_BYTES - 20) // len(unit)) + b"\r\n--b--\r\n"
    return Exchange("gateway", (request("POST", path, [("Content-Type", "multipart/form-data; boundary=b")], body),))


def _url_encoded(random: Random) -> Exchange:
    unit = random.choice((b"&", b"a&", b"%41", b"a=%41&", b"+", b";", b"=", b"img=x&"))
    size = random.choice((100_000, 1_000_000, BODY_BYTES))
    body = (random.choice((b"", b"img=")) + unit * (size // len(unit)))[:BODY_BYTES]
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    return Exchange("gateway", (request("POST", "/analyze", headers, body),), complete=True)


def _head(random: Random) -> Exchange:
    """Return a head at its limit, in a header, in the query or in the path."""
    names = (
        "Host",
        "Origin",
        "Accept",
        "Cookie",
        "Content-Type",
        "Authorization",
        "X-API-Key",
        "X-Overview",
        "If-None-Match",
    )
    fill = random.choice((b".", b"a.", b",", b";", b" ", b"=", b'"', b"/", b"%41", b"&", b"a=&", b"\\", b"0", b"*."))
    size = random.choice((30_000, 62_000, 190_000))
    value = fill * (size // len(fill))
    service = random.choice(("gateway", "gateway", "gateway", "detector", "serving"))
    match random.randrange(4):
        case 0:
            sent = b"GET /predict?camera=" + value.replace(b" ", b"+") + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        case 1:
            sent = b"GET /" + value.replace(b" ", b"+") + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        case _:
            name = random.choice(names).encode()
            host = b"" if name == b"Host" else b"Host: 127.0.0.1\r\n"
            sent = b"GET /cameras HTTP/1.1\r\n" + host + name + b": " + value + b"\r\n\r\n"
    return Exchange(service, (sent,))  # type: ignore[arg-type]  # one of the services


def _websocket(random: Random) -> Exchange:
    path = random.choice((b"/ws/predict", b"/ws/cameras/cam0"))
    count = random.choice((1_000, 50_000, 200_000))
    unit = random.choice(
        (frame(0, b"", final=False), frame(0, b"x", final=False), frame(9, b"x"), frame(2, b""), frame(1, b"x"))
    )
    frames = frame(2, b"", final=False) + unit * count
    return Exchange("gateway", (handshake(path), frames))


def _serving(random: Random) -> Exchange:
    body = _nested_json(random, random.choice((1_000_000, BODY_BYTES)))
    return Exchange("serving", (request("POST", "/v1/models/emotion:predict", _JSON, body),), complete=True)


def _grpc(random: Random) -> Call:
    unit = random.choice(
        (b"\x12\x00", b"\x0a\x00", b"\x1a\x00", b"\x12\x04\x0a\x00\x12\x00", b"\x1a\x01x", b"\x50\x01")
    )
    return Call(PREDICT, unit * (random.choice((100_000, 3_000_000)) // len(unit)))


def _redis(random: Random) -> Writes:
    camera = b"fuzz-heavy"
    large = random.choice((b"x", b"\xff", b"9", b"\n")) * random.choice((1_000_000, 16_000_000))
    fields = (b"jpeg", large, b"captured_at", b"1", b"delay_us", b"1", b"width", b"1", b"height", b"1", b"seq", b"1")
    writes: tuple[tuple[bytes, ...], ...] = random.choice(
        (
            ((b"XADD", b"frames:" + camera, b"*", *fields),),
            ((b"HSET", b"camera:" + camera, b"state", b"online", b"source", large, b"fps", large),),
            ((b"HSET", b"camera:" + camera, *(part for number in range(50_000) for part in (b"%d" % number, b"x"))),),
            ((b"ZADD", b"cameras", *(part for number in range(700) for part in (b"0", b"fuzz%d" % number))),),
        )
    )
    return Writes(((b"ZADD", b"cameras", b"9999999999", camera), *writes), ("/cameras", "/predict?camera=cam0"))
