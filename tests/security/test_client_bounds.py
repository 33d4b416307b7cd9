"""The client bounds the size, depth and duration of responses, even from a malicious server."""

import asyncio
import gzip
import itertools
import json
import time
from contextlib import ExitStack

import httpx
import pytest

from emotion_client import AsyncEmotionClient, EmotionClient, EmotionError
from emotion_client.event_stream import MAX_EVENT_BYTES, EventStreamParser
from tests.security.resource_limits import run_with_limits
from tests.security.scripted_server import Script, Send, response, scripted_gateway
from tests.support.gateway_responses import answered, live

MEGABYTE = b"x" * 2**20
FEED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def endless_body(send: Send) -> None:
    send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        send(MEGABYTE)


def endless_problem(send: Send) -> None:
    send(b"HTTP/1.1 404 No\r\nContent-Type: application/problem+json\r\n\r\n")
    while True:
        send(MEGABYTE)


def endless_line(send: Send) -> None:
    send(FEED + b"data: ")
    while True:
        send(MEGABYTE)


def endless_event(send: Send) -> None:
    send(FEED)
    while True:
        send(b"data: " + MEGABYTE[:1000] + b"\n")


def endless_id(send: Send) -> None:
    send(FEED)
    while True:
        send(b"id: " + MEGABYTE[:1000] + b"\n")


NESTED = b"[" * 500_000
RESPONSES: dict[str, Script | bytes] = {
    "body": endless_body,
    "problem": endless_problem,
    "bomb": response(gzip.compress(bytes(200_000_000)), headers="Content-Encoding: gzip\r\n"),
    "declared length": response(b"", headers="").replace(b"Content-Length: 0", b"Content-Length: 99999999999999999999"),
    "nested": response(NESTED),
    "nested object": response(b'{"cameras":' * 100_000),
    "long number": response(b'{"cameras": ' + b"9" * 1_000_000 + b"}"),
    "not UTF-8": response(b"\xff\xfe\x00" * 1000),
}
FEEDS: dict[str, Script | bytes] = {
    "line": endless_line,
    "event": endless_event,
    "id": endless_id,
    "nested": FEED + b"event: result\ndata: " + NESTED + b"\n\n",
    "bomb": response(gzip.compress(bytes(200_000_000)), "text/event-stream", headers="Content-Encoding: gzip\r\n"),
    "problem": endless_problem,
    "not a feed": response(b"{}"),
}


def error_of(url: str, method: str, asynchronous: bool, timeout_s: float = 10) -> str:
    """Call a method of the client and return its error."""
    try:
        asyncio.run(_call_async(url, method, timeout_s)) if asynchronous else _call(url, method, timeout_s)
    except EmotionError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _call(url: str, method: str, timeout_s: float) -> None:
    with EmotionClient(url, retries=0, timeout=timeout_s) as client:
        match method:
            case "cameras":
                client.cameras()
            case "frame":
                client.frame("cam0")
            case "predict":
                client.predict(b"image")
            case "stream":
                next(client.stream("cam0"))


async def _call_async(url: str, method: str, timeout_s: float) -> None:
    async with AsyncEmotionClient(url, retries=0, timeout=timeout_s) as client:
        match method:
            case "cameras":
                await client.cameras()
            case "frame":
                await client.frame("cam0")
            case "predict":
                await client.predict(b"image")
            case "stream":
                await anext(client.stream("cam0"))


def errors_of(urls: list[str], method: str, asynchronous: bool) -> list[str]:
    """Call the same method against several servers, one after the other."""
    return [error_of(url, method, asynchronous) for url in urls]


@pytest.mark.parametrize(
    ("method", "asynchronous"),
    [("cameras", False), ("cameras", True), ("predict", False), ("frame", False), ("stream", False), ("stream", True)],
)
def test_unbounded_response_is_an_error(method: str, asynchronous: bool) -> None:
    responses = FEEDS if method == "stream" else RESPONSES
    with ExitStack() as servers:
        urls = [servers.enter_context(scripted_gateway({"/": answer})) for answer in responses.values()]
        cost = run_with_limits(errors_of, urls, method, asynchronous, cpu_s=10, memory_mb=250)
    errors = dict(zip(responses, cost.result, strict=True))
    assert {name: error for name, error in errors.items() if not error.startswith("UnexpectedResponseError")} == {}
    assert max(map(len, errors.values())) < 1000
    assert cost.grown_mb < 120


@pytest.mark.parametrize("asynchronous", [False, True])
def test_slow_response_times_out(asynchronous: bool) -> None:
    def trickle(send: Send) -> None:
        send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        for _ in itertools.count():
            send(b" ")
            time.sleep(0.05)

    with scripted_gateway({"/": trickle}) as url:
        started = time.monotonic()
        error = error_of(url, "cameras", asynchronous, timeout_s=0.5)
        assert error.startswith("UnreachableError")
        assert time.monotonic() - started < 10


def test_url_in_an_error_has_no_password() -> None:
    with scripted_gateway({"/": response(b"[]")}) as url:
        error = error_of(url.replace("//", "//user:hush@"), "cameras", asynchronous=False)
    assert url in error
    assert "hush" not in error
    assert "hush" not in error_of("http://user:hush@127.0.0.1:1", "cameras", asynchronous=False)


def parser() -> EventStreamParser:
    return EventStreamParser(
        answered(httpx.Response(200, headers={"Content-Type": "text/event-stream; charset=utf-8"}))
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_events_are_parsed_at_any_chunk_size(end: str, size: int) -> None:
    data = json.dumps(live("1-0"))
    lines = [
        "retry: 250",
        "",
        f"event: result{end}id: 1-0{end}data: {data}",
        "",
        ": still here",
        "",
        "data:ä",
        "data: b",
        "",
        "data: cut",
    ]
    text = end.join(lines).encode()
    reading = parser()
    events = [event for at in range(0, len(text), size) for event in reading.feed(text[at : at + size])]
    assert [(event.event, event.data, event.id, event.retry) for event in events] == [
        ("message", "", "", 250),
        ("result", data, "1-0", None),
        ("message", "ä\nb", "1-0", None),
    ]


def test_long_feed_does_not_exceed_the_event_limit() -> None:
    reading = parser()
    event = b"data: " + b"x" * 100_000 + b"\n\n: still here\n\n"
    for _ in range(3 * MAX_EVENT_BYTES // len(event)):
        assert len(reading.feed(event)) == 1
    comments = b": still here\n" * 1000
    for _ in range(2 * MAX_EVENT_BYTES // len(comments)):
        assert reading.feed(comments) == []
