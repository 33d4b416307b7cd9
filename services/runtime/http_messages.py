"""Checks of request heads, and problems as bytes for responses that the protocol sends before an application runs."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from services.contracts.problems import PROBLEM_MEDIA_TYPE, Problem
from services.runtime.request_context import REQUEST_ID_HEADER, new_request_id

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case, and values."""

MAX_HANDSHAKE_LINE_BYTES = 8192
"""Longest line of a handshake that ``websockets`` reads, its end included."""

_DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}
_KEY_BYTES = 16


class RequestHeadError(ValueError):
    """A request is refused for its head.

    Attributes:
        reason: A word for metrics.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def check_head(version: str, method: bytes, target: bytes, headers: Headers) -> int:
    """Check what RFC 9112 demands and the parser doesn't; return the bytes of target and headers.

    Args:
        version: Of HTTP, such as ``1.1``.
        method: Such as ``GET``.
        target: As it was sent.
        headers: Of the request.

    Raises:
        RequestHeadError: It is rejected.
    """
    if version not in ("1.1", "1.0"):
        raise RequestHeadError("version", f"HTTP {version} isn't spoken here, but HTTP 1.1")
    host: bytes | None = None
    size = len(target)
    for name, value in headers:
        size += len(name) + len(value)
        if name == b"host":
            if host is not None:
                raise RequestHeadError("host", "The request has several Host headers")
            host = value
        elif name == b"transfer-encoding" and version == "1.0":
            raise RequestHeadError("transfer-encoding", "HTTP 1.0 has no Transfer-Encoding")
    if host is None and version == "1.1":
        raise RequestHeadError("host", "The request has no Host header")
    if not target.startswith(b"/"):
        _check_absolute(method, target, host)
    return size


def _check_absolute(method: bytes, target: bytes, host: bytes | None) -> None:
    scheme, separator, rest = target.partition(b"://")
    authority, slash, _ = rest.partition(b"/")
    if method == b"CONNECT" or not separator or not slash or scheme.lower() not in _DEFAULT_PORTS:
        raise RequestHeadError("target", "The request's target is neither a path nor a URL of HTTP with a path")
    default_port = _DEFAULT_PORTS[scheme.lower()]
    if host is None or _authority(authority, default_port) != _authority(host, default_port):
        raise RequestHeadError("target", "The request's target and its Host header name different hosts")


def _authority(text: bytes, default_port: bytes) -> bytes:
    return text.strip().lower().removesuffix(default_port)


def has_body(headers: Headers) -> bool:
    """Return whether a body is announced that isn't empty."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")) for name, value in headers
    )


def check_handshake(version: str, method: bytes, target: bytes, headers: Headers) -> None:
    """Check the requirements of RFC 6455 for a WebSocket handshake.

    Raises:
        RequestHeadError: It is rejected.
    """
    if method != b"GET" or version != "1.1":
        raise _handshake_error("It is no GET request of HTTP 1.1")
    if len(target) > MAX_HANDSHAKE_LINE_BYTES - len("GET  HTTP/1.1\r\n") or any(
        len(name) + len(value) > MAX_HANDSHAKE_LINE_BYTES - len(": \r\n") for name, value in headers
    ):
        raise _handshake_error(f"Its lines may have {MAX_HANDSHAKE_LINE_BYTES:,} bytes each")
    keys = [value for name, value in headers if name == b"sec-websocket-key"]
    if len(keys) != 1 or not _is_key(keys[0]):
        raise _handshake_error("It needs one Sec-WebSocket-Key of 16 bytes in base64")
    if [value for name, value in headers if name == b"sec-websocket-version"] != [b"13"]:
        raise _handshake_error("It needs one Sec-WebSocket-Version: 13")


def _is_key(value: bytes) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == _KEY_BYTES
    except binascii.Error:
        return False


def _handshake_error(detail: str) -> RequestHeadError:
    return RequestHeadError("handshake", f"The WebSocket's handshake is not valid. {detail}")


SECURITY_HEADERS: Mapping[str, str] = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}


def problem_parts(problem: Problem) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of an answer after which the connection is closed."""
    request_id = new_request_id()
    body = json.dumps(problem.encode(request_id)).encode()
    headers = {
        "Content-Type": PROBLEM_MEDIA_TYPE,
        "Content-Length": str(len(body)),
        REQUEST_ID_HEADER: request_id,
        **SECURITY_HEADERS,
        "Connection": "close",
    }
    if problem.kind.retry_after_s is not None:
        headers["Retry-After"] = str(problem.kind.retry_after_s)
    return headers, body


def problem_bytes(problem: Problem) -> bytes:
    """Return a whole answer."""
    headers, body = problem_parts(problem)
    lines = [f"HTTP/1.1 {problem.kind.status} {HTTPStatus(problem.kind.status).phrase}"]
    lines += [f"{name.lower()}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
