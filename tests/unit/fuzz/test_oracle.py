"""The oracle distinguishes faults from correct responses."""

import json
import struct
from collections.abc import Mapping
from typing import Any

import pytest

from tests.fuzz.cases import Call, Exchange, Service, Writes, request
from tests.fuzz.http_response import NotHttpError, parse
from tests.fuzz.monitor import failures_in
from tests.fuzz.oracle import faults_of, label_of
from tests.fuzz.sender import End, Outcome

DOCUMENT: dict[str, Any] = {
    "paths": {
        "/predict": {"post": {"responses": {"200": {"content": {"application/json": {}}}, "422": {}}}},
        "/cameras/{camera}/frame.jpg": {"get": {"responses": {"200": {"content": {"image/jpeg": {}}}}}},
    }
}


def response(status: int, body: object = b"", media_type: str = "application/json", **headers: str) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"content-type": media_type, "content-length": str(len(data)), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} x\r\n{head}\r\n".encode() + data


def problem(answered: int, **changed: object) -> bytes:
    members = {"type": "urn:x", "title": "t", "status": answered, "detail": "d", "request_id": "r1", **changed}
    kept = {name: value for name, value in members.items() if value is not None}
    return response(answered, kept, "application/problem+json", x_request_id="r1")


def faults(
    received: bytes,
    sent: bytes = request("POST", "/predict"),
    *,
    service: Service = "gateway",
    complete: bool = True,
    end: End = "answered",
    seconds: float = 0.1,
    documents: Mapping[Service, Mapping[str, Any]] = {},
) -> list[str]:
    return faults_of(Exchange(service, (sent,), complete=complete), Outcome(received, end, seconds), documents)


@pytest.mark.parametrize(
    "received",
    [
        response(200, {"faces": []}),
        problem(422),
        problem(503),
        problem(504),
        response(200, b"jpeg", "image/jpeg"),
        response(200, b"<p>", "text/html", content_security_policy="default-src 'none'"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + response(200, {}),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_correct_response_has_no_fault(received: bytes) -> None:
    assert faults(received) == []


@pytest.mark.parametrize(
    "received",
    [
        problem(500),
        problem(502),
        problem(422, request_id=None),
        problem(422, request_id="another"),
        problem(422, status=400),
        problem(422, detail="Traceback (most recent call last)"),
        response(422, {"detail": "x"}),
        response(400, b"Bad Request", "text/plain"),
        response(404, [], "application/problem+json"),
        response(200, b'{"a": NaN}'),
        response(200, b"{"),
        response(200, b"<p>", "text/html"),
        response(200, {})[:-1],
        b"garbage\r\n\r\n",
        b"HTTP/1.1 20x OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\ncontent-length: 0\r\n\r\n",
        b"",
    ],
)
def test_wrong_response_is_a_fault(received: bytes) -> None:
    assert faults(received, end="closed")


def test_missing_or_late_response_is_a_fault_of_complete_requests_only() -> None:
    assert faults(b"", end="timeout")
    assert faults(problem(422), seconds=16)
    assert faults(b"", end="closed", complete=False) == []
    assert faults(b"", end="quiet", complete=False) == []
    assert faults(b"", end="refused", complete=False)


@pytest.mark.parametrize("path", ["/analyze", "/api/v1/detection/detect", "/v2/models/emotion/infer", "/"])
def test_compatible_apis_have_their_own_error_formats(path: str) -> None:
    own = response(400, {"error": "x"}, x_request_id="r")
    assert faults(own, request("POST", path)) == []
    assert faults(own, request("POST", path + "x")) != [] or path.startswith(("/v2", "/api"))
    assert faults(response(400, {"error": "x"}), request("POST", path))


def test_rekognition_overload_may_be_a_500() -> None:
    body = {"__type": "ThrottlingException", "Message": "x"}
    assert faults(response(500, body, x_request_id="r"), request("POST", "/")) == []
    assert faults(response(500, {"__type": "InternalServerError"}, x_request_id="r"), request("POST", "/"))


def test_model_server_has_its_own_error_format() -> None:
    assert faults(response(400, {"error": "x"}), service="serving") == []
    assert faults(response(400, {"message": "x"}), service="serving")
    assert faults(response(500, {"error": "x"}), service="serving")


def test_responses_are_compared_with_the_document() -> None:
    documents: dict[Service, dict[str, Any]] = {"gateway": DOCUMENT}
    assert faults(problem(422), documents=documents) == []
    assert faults(problem(404), documents=documents) == ["404 isn't documented"]
    assert faults(response(200, b"x", "text/plain"), documents=documents)
    frame = request("GET", "/cameras/cam0/frame.jpg?key=x")
    assert faults(response(200, b"x", "image/jpeg"), frame, documents=documents) == []
    assert faults(problem(404), frame, documents=documents) == ["404 isn't documented"]
    assert faults(problem(404), request("GET", "/other"), documents=documents) == []


def test_all_responses_are_checked() -> None:
    assert faults(problem(422) + problem(404), complete=False) == []
    assert faults(problem(422) + problem(500), complete=False)


def test_frames_after_a_handshake_are_checked() -> None:
    switched = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n"
    failed = b"\x88\x02" + struct.pack(">H", 1011)
    internal = json.dumps({"type": "urn:emotion:problem:internal"}).encode()
    assert faults(switched + b"\x81\x02{}", complete=False) == []
    assert faults(switched + failed, complete=False)
    assert faults(switched + b"\x81" + bytes([len(internal)]) + internal, complete=False)
    assert faults(switched + b"\xf1\x00", complete=False)
    assert faults(switched + b"\x81\x01x", complete=False)


@pytest.mark.parametrize(
    ("status", "detail", "is_fault"),
    [
        ("OK", "", False),
        ("INVALID_ARGUMENT", "the input has another shape", False),
        ("UNAVAILABLE", "", False),
        ("INTERNAL", "", True),
        ("UNKNOWN", "", True),
        ("INVALID_ARGUMENT", "<class 'ValueError'>", True),
        ("INVALID_ARGUMENT", "x" * 3000, True),
        ("DEADLINE_EXCEEDED", "", True),
    ],
)
def test_calls(status: str, detail: str, is_fault: bool) -> None:
    call = Call("/x/y", b"")
    assert bool(faults_of(call, Outcome(status=status, detail=detail), {})) == is_fault
    assert label_of(call, Outcome(status=status)) == status


def test_untouched_camera_must_be_answered() -> None:
    writes = Writes((), ("/predict?camera=cam0", "/predict?camera=fuzz1"))
    answers = {"/predict?camera=cam0": response(200, {}), "/predict?camera=fuzz1": problem(503)}
    assert faults_of(writes, Outcome(responses=answers), {}) == []
    assert faults_of(writes, Outcome(responses={**answers, "/predict?camera=cam0": problem(503)}), {})
    assert faults_of(writes, Outcome(responses={**answers, "/predict?camera=fuzz1": problem(500)}), {})
    assert faults_of(writes, Outcome(responses={**answers, "/predict?camera=fuzz1": b""}), {})


def test_equal_failures_in_a_log_give_equal_lines() -> None:
    text = (
        "2026-11-29 ERROR gateway request 0123456789abcdef0123456789abcdef failed\n"
        'Traceback (most recent call last):\n  File "x.py", line {}, in f\n    g()\nValueError: not {}\n'
        "2026-11-29 INFO all is well\n"
    )
    assert list(failures_in(text.format(1, 2))) == list(failures_in(text.format(30, 40))) == ["ValueError: not …"]
    assert list(failures_in("WARNING: nothing")) == []
    assert list(failures_in("Task exception was never retrieved\nfuture: x"))


def test_pipelined_responses_are_parsed() -> None:
    answers, rest = parse(problem(422) + b"HTTP/1.1 204 No Content\r\n\r\n" + response(200, b"abc")[:-1])
    assert [(answer.status, answer.complete) for answer in answers] == [(422, True), (204, True), (200, False)]
    assert rest == b""
    with pytest.raises(NotHttpError):
        parse(problem(422) + b"HTTX/1.1 200\r\n\r\n")
    with pytest.raises(NotHttpError):
        parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
