"""Parses HTTP responses from the bytes of a connection."""

from collections.abc import Mapping
from dataclasses import dataclass


class NotHttpError(ValueError):
    """The bytes are not HTTP responses."""


@dataclass(frozen=True)
class HttpResponse:
    """A response.

    Attributes:
        status: Three digits.
        headers: By lower-case name; the last one if a name is repeated.
        body: Without chunk framing.
        complete: Whether the response is complete.
        framed: Whether the end is known, from a length, from chunks or because there is no body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool
    framed: bool = True


def parse(data: bytes, heads_only: bool = False) -> tuple[list[HttpResponse], bytes]:
    """Return the responses, and the bytes after a switch to another protocol.

    Args:
        data: All received bytes.
        heads_only: Whether bodies may be missing because of a HEAD request; only one response is read then.

    Raises:
        NotHttpError: The bytes are not HTTP.
    """
    answers: list[HttpResponse] = []
    while data:
        head, separator, rest = data.partition(b"\r\n\r\n")
        if not separator:
            if not data.startswith(b"HTTP/1."[: len(data)]):
                raise NotHttpError(f"no HTTP: {data[:60]!r}")
            return answers, b""
        status, headers = _head(head)
        if status == 101:
            return [*answers, HttpResponse(status, headers, b"", True)], rest
        if 100 <= status < 200:
            data = rest
            continue
        if heads_only:
            return [*answers, HttpResponse(status, headers, b"", True, framed=False)], b""
        answer, data = _body(status, headers, rest)
        answers.append(answer)
    return answers, b""


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.split(b"\r\n")
    version, _, rest = first.partition(b" ")
    digits = rest[:3]
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or not digits.isdigit() or len(digits) != 3:
        raise NotHttpError(f"no status line: {first[:60]!r}")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or b" " in name or any(byte < 0x20 and byte != 0x09 for byte in line):
            raise NotHttpError(f"no header: {line[:60]!r}")
        headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
    return int(digits), headers


def _body(status: int, headers: Mapping[str, str], rest: bytes) -> tuple[HttpResponse, bytes]:
    if status in (204, 304):
        return HttpResponse(status, headers, b"", True), rest
    if "chunked" in headers.get("transfer-encoding", ""):
        body, after = _chunked(rest)
        return HttpResponse(status, headers, body, after is not None), after or b""
    if "content-length" in headers:
        length = int(headers["content-length"])
        return HttpResponse(status, headers, rest[:length], len(rest) >= length), rest[length:]
    return HttpResponse(status, headers, rest, False, framed=False), b""


def _chunked(rest: bytes) -> tuple[bytes, bytes | None]:
    body = b""
    while True:
        line, separator, rest = rest.partition(b"\r\n")
        if not separator:
            return body, None
        try:
            size = int(line, 16)
        except ValueError:
            raise NotHttpError(f"no chunk: {line[:20]!r}") from None
        if len(rest) < size + 2:
            return body + rest, None
        body, rest = body + rest[:size], rest[size + 2 :]
        if size == 0:
            return body, rest
