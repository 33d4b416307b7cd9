"""Clients of a camera's live feeds over real sockets: server-sent events and MJPEG video."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpx

from tests.support.waiting import DEFAULT_TIMEOUT_S

_LONGEST_S = 4 * DEFAULT_TIMEOUT_S


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    event: str
    id: str | None
    data: dict[str, Any]


@contextmanager
def events(
    client: httpx.Client, address: str = "/cameras/cam0/events", headers: Mapping[str, str] | None = None
) -> Iterator[Iterator[Event]]:
    """Open a feed of events."""
    with client.stream("GET", address, headers=dict(headers or {})) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Accel-Buffering"] == "no"
        yield _parsed(answer.iter_lines())


def results(feed: Iterator[Event]) -> Iterator[Event]:
    """Yield only the results."""
    return (event for event in feed if event.event == "result")


def _parsed(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    ends_at = monotonic() + _LONGEST_S
    for line in lines:
        assert monotonic() < ends_at, "the feed goes on, and what was waited for never came"
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            yield Event(fields["event"], fields.get("id"), json.loads(fields["data"]))
            fields = {}


@contextmanager
def pictures(client: httpx.Client, query: str = "") -> Iterator[Iterator[bytes]]:
    """Open a video; yields the JPEGs as received."""
    with client.stream("GET", f"/cameras/cam0/video{query}") as answer:
        assert answer.status_code == 200, answer.read()
        kind, _, boundary = answer.headers["Content-Type"].partition("; boundary=")
        assert kind == "multipart/x-mixed-replace"
        yield _jpegs(answer.iter_bytes(), f"--{boundary}\r\n".encode())


def _jpegs(chunks: Iterator[bytes], boundary: bytes) -> Iterator[bytes]:
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            chunk = next(chunks, None)
            if chunk is None:
                assert data == boundary, "a video ends after a complete image"
                return
            data += chunk
        head, _, data = data.partition(b"\r\n\r\n")
        assert head.startswith(boundary)
        fields = dict(line.split(": ") for line in head.removeprefix(boundary).decode().split("\r\n"))
        assert fields["Content-Type"] == "image/jpeg"
        length = int(fields["Content-Length"])
        while len(data) < length + 2 + len(boundary):
            data += next(chunks)
        yield data[:length]
        assert data[length : length + 2] == b"\r\n"
        data = data[length + 2 :]
