"""Malformed HTTP: request lines, headers, lengths, chunks, pipelines and slow pieces."""

from collections.abc import Iterator
from random import Random

from tests.fuzz.cases import Case, Exchange, Service
from tests.fuzz.mutation import EDGES, TEXTS, mutated, split_at_random

_SERVICES: tuple[Service, ...] = ("gateway", "gateway", "gateway", "detector", "capture", "serving", "serving-grpc")
_PATHS = (b"/", b"/predict", b"/healthz", b"/cameras", b"/detect", b"/v1/models/emotion", b"/nowhere")
_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def raw_http_cases(random: Random) -> Iterator[Case]:
    """Yield bytes that are nearly HTTP, or not at all."""
    makers = (_request_line, _headers, _flood, _lengths, _chunks, _pipeline, _incomplete, _noise)
    while True:
        sent = random.choice(makers)(random)
        if random.random() < 0.25:
            sent = mutated(sent, random, 3)
        slow = random.random() < 0.05
        pieces = split_at_random(sent, random, 8) if slow or random.random() < 0.3 else (sent,)
        yield Case("raw-http", Exchange(random.choice(_SERVICES), pieces, 0.05 if slow else 0.0))


def _request_line(random: Random) -> bytes:
    method = random.choice((b"GET", b"POST", b"get", b"G\xc3\x89T", b"", b"A" * 300, b"CONNECT", b"PRI", b"GET\t"))
    target = random.choice(
        (
            *_PATHS,
            b"*",
            b"",
            b"http://evil.example/healthz",
            b"//evil.example/",
            b"/" + b"a" * 9000,
            b"/" + b"../" * 300,
            b"/%",
            b"/\x00",
            b"/\xff\xfe",
            b"/a b",
            b"healthz",
            b"/healthz?" + b"a&" * 2000,
            b"/#x",
        )
    )
    versions = (
        b"HTTP/1.1",
        b"HTTP/1.0",
        b"HTTP/0.9",
        b"HTTP/2.0",
        b"HTTP/3",
        b"HTTP/1.10",
        b"HTTPS/1.1",
        b"",
        b"http/1.1",
    )
    line = b" ".join((method, target, random.choice(versions)))
    return line + _end(random) + b"Host: 127.0.0.1" + _end(random) + _end(random)


def _headers(random: Random) -> bytes:
    odd = (
        b"X: y\r\n folded",
        b"X : y",
        b": y",
        b"X",
        b"X\x00: y",
        b"\xff: y",
        b"X: \x00",
        b"X: \x01\x1b[2J",
        b"Host: a",
        b"Host: 127.0.0.1, 127.0.0.1",
        b"Host:",
        b"Host: [::1]:99999",
        b"Host: " + b"." * 300,
        b"Host: " + b"a." * 100,
        b"Connection: close, upgrade, " + b"x," * 200,
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding: \x0bchunked",
        b"Content-Length: " + random.choice(TEXTS).encode("utf-8", "surrogatepass")[:5000],
        b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        b"Expect: 100-continue",
        b"Expect: " + b"9" * 100,
        b"Cookie: " + b"a=b; " * 500,
        b"Range: bytes=" + b"0-1," * 500,
    )
    lines = [
        b"GET " + random.choice(_PATHS) + b" HTTP/1.1",
        b"Host: 127.0.0.1",
        *random.choices(odd, k=random.randint(1, 4)),
    ]
    return _end(random).join(lines) + b"\r\n\r\n"


def _flood(random: Random) -> bytes:
    """Return heads at and over the limit, in one piece or several."""
    size = random.choice((8_000, 60_000, 70_000, 190_000))
    unit = random.choice((b"X: y\r\n", b"%d: y\r\n" % random.randrange(9), b"Cookie: a\r\n", b"Host: 127.0.0.1\r\n"))
    if random.random() < 0.5:
        fill = random.choice((b".", b",", b";", b"a", b" ", b"=", b'"', b"/", b"%41", b"\xc3\xa9", b"0"))
        name = random.choice(
            (b"Host", b"Origin", b"Cookie", b"Accept", b"X-API-Key", b"Authorization", b"Content-Type")
        )
        return b"GET /cameras HTTP/1.1\r\n" + name + b": " + fill * (size // len(fill)) + b"\r\n\r\n"
    return b"GET /cameras HTTP/1.1\r\nHost: 127.0.0.1\r\n" + unit * (size // len(unit)) + b"\r\n"


def _lengths(random: Random) -> bytes:
    body = random.choice((b"", b"x", b"x" * 100))
    stated = random.choice(
        (
            b"%d" % len(body),
            b"%d" % (len(body) + 1),
            b"%d" % max(len(body) - 1, 0),
            b"-1",
            b"+1",
            b"0x1",
            b"1, 1",
            b"1\r\nContent-Length: 2",
            b"99999999999999999999",
            b"0" * 5000,
            b"\xd9\xa3",
            b"1_0",
            b"%d" % random.choice(EDGES),
        )
    )
    head = b"POST " + random.choice(_PATHS) + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + stated
    both = b"\r\nTransfer-Encoding: chunked" if random.random() < 0.2 else b""
    return head + both + b"\r\nContent-Type: image/jpeg\r\n\r\n" + body


def _chunks(random: Random) -> bytes:
    head = b"POST " + random.choice(_PATHS) + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    sizes = (b"1", b"0001", b"1;ext=1", b"1;" + b"e" * 5000, b"g", b"-1", b"", b"F" * 20, b"0x1", b" 1", b"1 ", b"2")
    chunks = [
        random.choice(sizes) + b"\r\n" + b"x" + random.choice((b"\r\n", b"\n", b""))
        for _ in range(random.randint(0, 40))
    ]
    trailer = random.choice((b"", b"X: y\r\n", b"Content-Length: 5\r\n", b"X: " + b"y" * 9000 + b"\r\n"))
    return head + b"".join(chunks) + random.choice((b"0\r\n" + trailer + b"\r\n", b"", b"0\r\n", b"0"))


def _pipeline(random: Random) -> bytes:
    requests = (
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /nowhere HTTP/1.0\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nabc",
        b"GET /cameras HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\nx",
        b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"\r\n",
        b"garbage\r\n",
    )
    return b"".join(random.choices(requests, k=random.choice((2, 3, 10, 100))))


def _incomplete(random: Random) -> bytes:
    """Return a request that never ends, or bytes after a request that are not a request."""
    whole = (
        b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\nContent-Length: 10\r\n\r\n0123456789"
    )
    after = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    return random.choice(
        (
            whole[: random.randrange(len(whole))],
            after + b"\r\n",
            after + b"GET /he",
            b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\nx",
            b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nx",
            b"\r\n" * 100,
        )
    )


def _noise(random: Random) -> bytes:
    return random.choice(
        (
            random.randbytes(random.choice((1, 30, 3000))),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + random.randbytes(200),  # TLS
            _HTTP2_PREFACE + random.randbytes(60),
            _HTTP2_PREFACE + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + mutated(b"\x00\x00\x08\x06" + bytes(13), random),
            b"*1\r\n$4\r\nPING\r\n",
            b"\x00" * random.choice((1, 1000, 70_000)),
            random.choice(TEXTS).encode("utf-8", "surrogatepass") * 20 + b"\r\n\r\n",
        )
    )


def _end(random: Random) -> bytes:
    return b"\r\n" if random.random() < 0.85 else random.choice((b"\n", b"\r", b"\r\r\n", b"\r\n\r\n", b""))
