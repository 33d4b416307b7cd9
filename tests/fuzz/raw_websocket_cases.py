"""Malformed WebSocket traffic: handshakes, and frames of every opcode, length, mask and order."""

import json
import struct
from collections.abc import Iterator
from random import Random

from tests.fuzz.cases import Case, Exchange
from tests.fuzz.image_cases import samples
from tests.fuzz.mutation import TEXTS, mutated

_PATHS = (
    b"/ws/predict",
    b"/ws/predict?track=true",
    b"/ws/cameras/cam0",
    b"/ws/cameras/cam0/video",
    b"/ws/nowhere",
    b"/predict",
    b"/",
)
_HEADERS = (
    (b"Host", b"127.0.0.1"),
    (b"Upgrade", b"websocket"),
    (b"Connection", b"Upgrade"),
    (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    (b"Sec-WebSocket-Version", b"13"),
)


def raw_websocket_cases(random: Random) -> Iterator[Case]:
    """Yield connections to the gateway that start with a WebSocket handshake."""
    while True:
        if random.random() < 0.4:
            pieces = [mutated_handshake(random)]
        else:
            path = random.choice(_PATHS) + random.choice(
                (b"", b"?fps=1", b"?fps=nan&after=%ff", b"?blur=2", b"?overlay=true", b"?track=1", b"&track=x")
            )
            pieces = [handshake(path)]
        frames = [mutated_frame(random) for _ in range(random.choice((0, 1, 2, 5, 40)))]
        if random.random() < 0.2:
            pieces[0] += b"".join(frames)  # in the same piece as the handshake
        else:
            pieces += frames
        pause_s = 0.02 if random.random() < 0.1 and len(pieces) < 8 else 0.0
        yield Case("raw-websocket", Exchange("gateway", tuple(piece for piece in pieces if piece), pause_s))


def handshake(path: bytes, headers: tuple[tuple[bytes, bytes], ...] = _HEADERS, method: bytes = b"GET") -> bytes:
    """Return a handshake with these headers."""
    lines = [method + b" " + path + b" HTTP/1.1", *(name + b": " + value for name, value in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def mutated_handshake(random: Random) -> bytes:
    """Return a mutated handshake."""
    headers = list(_HEADERS)
    method, path = b"GET", random.choice(_PATHS)
    for _ in range(random.randint(1, 2)):
        match random.randrange(8):
            case 0:
                del headers[random.randrange(len(headers))]
            case 1:
                name, value = random.choice(headers)
                headers.append((name, random.choice((value, b"", b"x"))))
            case 2:
                at = random.randrange(len(headers))
                text = random.choice(TEXTS).encode("utf-8", "surrogatepass").replace(b"\n", b"")
                headers[at] = (headers[at][0], text)
            case 3:
                headers += [(b"X-%d" % number, b"y") for number in range(random.choice((100, 130, 1000)))]
            case 4:
                headers.append((b"X", b"y" * random.choice((8_000, 8_200, 60_000))))
            case 5:
                path += b"/" + b"a" * random.choice((100, 8_200, 9_000, 60_000))
            case 6:
                headers.append(random.choice(((b"Content-Length", b"1"), (b"Transfer-Encoding", b"chunked"))))
            case _:
                odd = (
                    (b"Origin", b"http://evil.example"),
                    (b"Sec-WebSocket-Protocol", b"a, " * 50),
                    (b"Sec-WebSocket-Extensions", b"permessage-deflate; client_max_window_bits=99"),
                    (b"Sec-WebSocket-Extensions", b'x; y="' + b"\\" * 100),
                    (b"Sec-WebSocket-Version", b"99999999999999999999"),
                )
                headers.append(random.choice(odd))
        if random.random() < 0.1:
            method = random.choice((b"POST", b"HEAD", b"get", b"OPTIONS"))
    sent = handshake(path, tuple(headers), method)
    return mutated(sent, random, 2) if random.random() < 0.3 else sent


def mutated_frame(random: Random) -> bytes:
    """Return a client frame that may violate any rule of RFC 6455, section 5."""
    payload = random.choice(
        (
            b"",
            b"x",
            random.choice(samples()),
            random.choice(TEXTS).encode("utf-8", "surrogatepass"),
            b"\xff\xfe",
            json.dumps({"event": "x"}).encode(),
            bytes(200),
        )
    )
    opcode = random.choice((0, 1, 2, 2, 2, 8, 9, 10, 3, 7, 11, 15))
    if opcode == 8:
        payload = random.choice(
            (
                b"",
                b"\x03",
                struct.pack(">H", random.choice((0, 999, 1000, 1005, 1006, 1015, 2999, 3000, 5000, 65535))) + payload,
            )
        )
    final = random.random() < 0.8
    sent = frame(opcode, payload, final, masked=random.random() < 0.9, reserved=random.choice((0, 0, 0, 0, 4, 2, 1)))
    if random.random() < 0.15:
        sent = _with_length(sent, random)
    return mutated(sent, random, 2) if random.random() < 0.15 else sent


def frame(opcode: int, payload: bytes, final: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """Return a frame; the mask is zero, so the payload is unchanged."""
    head = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([mask_bit | len(payload)])
    elif len(payload) < 65536:
        head += bytes([mask_bit | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([mask_bit | 127]) + struct.pack(">Q", len(payload))
    return head + (bytes(4) if masked else b"") + payload


def _with_length(sent: bytes, random: Random) -> bytes:
    """Return the frame with a wrong payload length."""
    stated = random.choice((126, 127))
    size = struct.pack(">H", 65535) if stated == 126 else struct.pack(">Q", random.choice((0, 2**31, 2**63, 2**64 - 1)))
    return sent[:1] + bytes([0x80 | stated]) + size + sent[2:]
