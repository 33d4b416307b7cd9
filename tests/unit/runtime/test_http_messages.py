import pytest

from services.runtime.http_messages import RequestHeadError, check_handshake, check_head, has_body

HOST = (b"host", b"a.example")
KEY = (b"sec-websocket-key", b"AAAAAAAAAAAAAAAAAAAAAA==")
VERSION = (b"sec-websocket-version", b"13")


@pytest.mark.parametrize(
    ("version", "method", "target", "headers"),
    [
        ("1.1", b"GET", b"/", [HOST]),
        ("1.0", b"GET", b"/", []),
        ("1.1", b"GET", b"//a/b", [HOST]),
        ("1.1", b"GET", b"http://a.example/", [HOST]),
        ("1.1", b"GET", b"HTTPS://A.example:443/?x=http://b", [HOST]),
        ("1.1", b"GET", b"http://[::1]:81/x", [(b"host", b"[::1]:81")]),
    ],
)
def test_heads_that_are_taken(version: str, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    assert check_head(version, method, target, headers) >= len(target)


@pytest.mark.parametrize(
    ("version", "method", "target", "headers", "reason"),
    [
        ("0.9", b"GET", b"/", [HOST], "version"),
        ("2.0", b"GET", b"/", [HOST], "version"),
        ("1.1", b"GET", b"/", [], "host"),
        ("1.1", b"GET", b"/", [HOST, HOST], "host"),
        ("1.0", b"GET", b"/", [HOST, HOST], "host"),
        ("1.0", b"POST", b"/", [(b"transfer-encoding", b"chunked")], "transfer-encoding"),
        ("1.1", b"GET", b"http://b.example/", [HOST], "target"),
        ("1.1", b"GET", b"https://a.example:80/", [HOST], "target"),
        ("1.1", b"GET", b"http://a.example@b/", [HOST], "target"),
        ("1.1", b"GET", b"http://a.example", [HOST], "target"),
        ("1.0", b"GET", b"http://a.example/", [], "target"),
        ("1.1", b"CONNECT", b"a.example:80", [HOST], "target"),
        ("1.1", b"OPTIONS", b"*", [HOST], "target"),
        ("1.1", b"GET", b"gopher://a.example/", [HOST], "target"),
    ],
)
def test_heads_that_are_refused(
    version: str, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], reason: str
) -> None:
    with pytest.raises(RequestHeadError) as refused:
        check_head(version, method, target, headers)
    assert refused.value.reason == reason


def test_the_size_of_a_head_is_that_of_its_target_and_headers() -> None:
    assert check_head("1.1", b"GET", b"/12", [HOST, (b"x", b"12345")]) == 3 + 4 + 9 + 1 + 5


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([HOST], False),
        ([(b"content-length", b"0")], False),
        ([(b"content-length", b"000")], False),
        ([(b"content-length", b"10")], True),
        ([(b"transfer-encoding", b"chunked")], True),
    ],
)
def test_whether_a_body_is_announced(headers: list[tuple[bytes, bytes]], expected: bool) -> None:
    assert has_body(headers) is expected


def test_a_handshake_is_taken() -> None:
    check_handshake("1.1", b"GET", b"/ws", [HOST, KEY, VERSION, (b"x", b"a" * 8_000)])


@pytest.mark.parametrize(
    ("version", "method", "target", "headers"),
    [
        ("1.0", b"GET", b"/ws", [KEY, VERSION]),
        ("1.1", b"POST", b"/ws", [KEY, VERSION]),
        ("1.1", b"GET", b"/" + b"a" * 8_192, [KEY, VERSION]),
        ("1.1", b"GET", b"/ws", [KEY, VERSION, (b"x", b"a" * 8_192)]),
        ("1.1", b"GET", b"/ws", [VERSION]),
        ("1.1", b"GET", b"/ws", [KEY, KEY, VERSION]),
        ("1.1", b"GET", b"/ws", [(KEY[0], b"AAAA"), VERSION]),
        ("1.1", b"GET", b"/ws", [(KEY[0], b"\xff" * 24), VERSION]),
        ("1.1", b"GET", b"/ws", [KEY]),
        ("1.1", b"GET", b"/ws", [KEY, (VERSION[0], b"8")]),
        ("1.1", b"GET", b"/ws", [KEY, VERSION, VERSION]),
    ],
)
def test_handshakes_that_are_refused(
    version: str, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    with pytest.raises(RequestHeadError):
        check_handshake(version, method, target, headers)
