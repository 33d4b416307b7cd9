"""The client reads a bounded answer, whatever answers at the gateway's address."""

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
from tests.security.resource_limits import run_confined
from tests.security.scripted_server import Answer, Send, hostile_server, response
from tests.support.gateway_responses import answered, live

MEGABYTE = b"x" * 2**20
FEED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def body_without_end(send: Send) -> None:
    send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        send(MEGABYTE)


def problem_without_end(send: Send) -> None:
    send(b"HTTP/1.1 404 No\r\nContent-Type: application/problem+json\r\n\r\n")
    while True:
        send(MEGABYTE)


def line_without_end(send: Send) -> None:
    send(FEED + b"data: ")
    while True:
        send(MEGABYTE)


def event_without_end(send: Send) -> None:
    send(FEED)
    while True:
        send(b"data: " + MEGABYTE[:1000] + b"\n")


def id_without_end(send: Send) -> None:
    send(FEED)
    while True:
        send(b"id: " + MEGABYTE[:1000] + b"\n")


NESTED = b"[" * 500_000
ANSWERS: dict[str, Answer] = {
    "body": body_without_end,
    "problem": problem_without_end,
    "bomb": response(gzip.compress(bytes(200_000_000)), headers="Content-Encoding: gzip\r\n"),
    "announced": response(b"", headers="").replace(b"Content-Length: 0", b"Content-Length: 99999999999999999999"),
    "nested": response(NESTED),
    "nested object": response(b'{"cameras":' * 100_000),
    "long number": response(b'{"cameras": ' + b"9" * 1_000_000 + b"}"),
    "not text": response(b"\xff\xfe\x00" * 1000),
}
FEEDS: dict[str, Answer] = {
    "line": line_without_end,
    "event": event_without_end,
    "id": id_without_end,
    "nested": FEED + b"event: result\ndata: " + NESTED + b"\n\n",
    "bomb": response(gzip.compress(bytes(200_000_000)), "text/event-stream", headers="Content-Encoding: gzip\r\n"),
    "refusal": problem_without_end,
    "no feed": response(b"{}"),
}


def ask(url: str, what: str, asynchronous: bool, timeout_s: float = 10) -> str:
    """Ask for something and return the error that comes of it."""
    try:
        asyncio.run(_ask_asynchronously(url, what, timeout_s)) if asynchronous else _ask(url, what, timeout_s)
    except EmotionError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _ask(url: str, what: str, timeout_s: float) -> None:
    with EmotionClient(url, retries=0, timeout=timeout_s) as client:
        match what:
            case "cameras":
                client.cameras()
            case "frame":
                client.frame("cam0")
            case "predict":
                client.predict(b"image")
            case "stream":
                next(client.stream("cam0"))


async def _ask_asynchronously(url: str, what: str, timeout_s: float) -> None:
    async with AsyncEmotionClient(url, retries=0, timeout=timeout_s) as client:
        match what:
            case "cameras":
                await client.cameras()
            case "frame":
                await client.frame("cam0")
            case "predict":
                await client.predict(b"image")
            case "stream":
                await anext(client.stream("cam0"))


def ask_all(urls: list[str], what: str, asynchronous: bool) -> list[str]:
    """Ask several servers, one after the other."""
    return [ask(url, what, asynchronous) for url in urls]


@pytest.mark.parametrize(
    ("what", "asynchronous"),
    [("cameras", False), ("cameras", True), ("predict", False), ("frame", False), ("stream", False), ("stream", True)],
)
def test_an_answer_of_any_size_or_depth_is_an_error_soon(what: str, asynchronous: bool) -> None:
    answers = FEEDS if what == "stream" else ANSWERS
    with ExitStack() as servers:
        urls = [servers.enter_context(hostile_server({"/": answer})) for answer in answers.values()]
        cost = run_confined(ask_all, urls, what, asynchronous, cpu_s=10, memory_mb=250)
    errors = dict(zip(answers, cost.result, strict=True))
    assert {name: error for name, error in errors.items() if not error.startswith("UnexpectedResponseError")} == {}
    assert max(map(len, errors.values())) < 1000
    assert cost.grown_mb < 120


@pytest.mark.parametrize("asynchronous", [False, True])
def test_slowly_arriving_response_times_out(asynchronous: bool) -> None:
    def trickle(send: Send) -> None:
        send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        for _ in itertools.count():
            send(b" ")
            time.sleep(0.05)

    with hostile_server({"/": trickle}) as url:
        started = time.monotonic()
        error = ask(url, "cameras", asynchronous, timeout_s=0.5)
        assert error.startswith("UnreachableError")
        assert time.monotonic() - started < 10


def test_an_errors_address_has_no_password() -> None:
    with hostile_server({"/": response(b"[]")}) as url:
        error = ask(url.replace("//", "//user:hush@"), "cameras", asynchronous=False)
    assert url in error
    assert "hush" not in error
    assert "hush" not in ask("http://user:hush@127.0.0.1:1", "cameras", asynchronous=False)


def reader() -> EventStreamParser:
    return EventStreamParser(
        answered(httpx.Response(200, headers={"Content-Type": "text/event-stream; charset=utf-8"}))
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_events_are_read_however_they_are_cut_into_pieces(end: str, size: int) -> None:
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
    reading = reader()
    events = [event for at in range(0, len(text), size) for event in reading.feed(text[at : at + size])]
    assert [(event.event, event.data, event.id, event.retry) for event in events] == [
        ("message", "", "", 250),
        ("result", data, "1-0", None),
        ("message", "ä\nb", "1-0", None),
    ]


def test_long_feed_does_not_count_as_one_large_event() -> None:
    reading = reader()
    event = b"data: " + b"x" * 100_000 + b"\n\n: still here\n\n"
    for _ in range(3 * MAX_EVENT_BYTES // len(event)):
        assert len(reading.feed(event)) == 1
    comments = b": still here\n" * 1000
    for _ in range(2 * MAX_EVENT_BYTES // len(comments)):
        assert reading.feed(comments) == []
