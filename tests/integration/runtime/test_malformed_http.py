import json

import pytest

from tests.support.tiny_process import Service
from tests.support.tiny_service import BODY_LIMIT


@pytest.mark.parametrize(
    "sent",
    [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /\xff HTTP/1.1\r\nHost: tiny\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /raw HTTP/1.1\r\nHost: tiny\r\nContent-Length: ten\r\n\r\n",
        b"POST /raw HTTP/1.1\r\nHost: tiny\r\nContent-Length: -1\r\n\r\n",
        b"POST /raw HTTP/1.1\r\nHost: tiny\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["words", "tls", "path", "header", "length-word", "length-negative", "two-lengths"],
)
def test_malformed_request_is_a_problem(service: Service, sent: bytes) -> None:
    with service.raw() as connection:
        connection.send(sent)
        head, _, body = connection.read_to_close().partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    problem = json.loads(body)
    assert lines[0] == "HTTP/1.1 400 Bad Request"
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert int(headers["content-length"]) == len(body)
    assert problem["type"] == "urn:emotion:problem:bad-request"
    assert problem["request_id"] == headers["x-request-id"]


def test_endless_head_is_disconnected(service: Service) -> None:
    with service.raw() as connection:
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: tiny\r\nX-Endless: ")
        assert b"HTTP/1.1 400 " in connection.send_until_closed(b"a" * 65536, at_most=20)


def test_endless_trailers_are_disconnected(service: Service) -> None:
    with service.raw() as connection:
        connection.send(b"POST /raw HTTP/1.1\r\nHost: tiny\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
        assert b"HTTP/1.1 400 " in connection.send_until_closed(b"X-T: " + b"t" * 65000 + b"\r\n", at_most=20)


def test_incomplete_request_head_times_out(service: Service) -> None:
    with service.raw() as silent, service.raw() as half:
        half.send(b"GET /healthz HTTP/1.1\r\n")
        assert silent.read_to_close() == half.read_to_close() == b""


def test_body_in_single_bytes_is_read(service: Service) -> None:
    with service.raw() as connection:
        connection.send(b"POST /raw HTTP/1.1\r\nHost: tiny\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(4):
            connection.send(b"1\r\nx\r\n" * (BODY_LIMIT // 4))
        connection.send(b"0\r\n\r\n")
        assert connection.read_until(b"%d" % BODY_LIMIT).startswith(b"HTTP/1.1 200 ")


def test_malformed_chunk_ends_only_its_request(service: Service) -> None:
    with service.raw() as connection:
        connection.send(b"POST /raw HTTP/1.1\r\nHost: tiny\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        assert connection.read_to_close().startswith(b"HTTP/1.1 400 ")
    with service.client() as client:
        assert client.get("/healthz").status_code == 200


def test_no_error_is_written_into_a_started_response(service: Service) -> None:
    with service.raw() as connection:
        connection.send(b"POST /stream HTTP/1.1\r\nHost: tiny\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer = connection.read_until(b"first part")
        connection.send(b"zz\r\n")
        rest = connection.read_to_close()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"400" not in rest
