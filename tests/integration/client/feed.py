"""A gateway's feed that a test writes: what is sent on each connection, and how it ends."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qs

from services.contracts.live import LiveState, LiveStatus
from services.contracts.problems import PROBLEM_MEDIA_TYPE, Problem, ProblemKind
from tests.support.gateway_responses import live


class Ending(Enum):
    """How a connection ends."""

    CLOSED = auto()
    """As the gateway closes a feed."""
    CUT = auto()
    """In the middle."""
    OPEN = auto()
    """Not before the client goes."""


@dataclass(frozen=True)
class Connection:
    """What one connection gets."""

    text: str = ""
    ending: Ending = Ending.CLOSED
    problem: ProblemKind | None = None


@dataclass
class ScriptedFeed:
    """An ASGI application; the last connection of the script is given again and again.

    Attributes:
        script: One entry for each connection.
        last_ids: What clients said that they got last.
        fps: Their parameters.
        keys: Their API keys.
    """

    script: Sequence[Connection]
    last_ids: list[str | None] = field(default_factory=list)
    fps: list[str | None] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        connection = self.script[min(len(self.last_ids), len(self.script) - 1)]
        self._note(scope)
        await (self._refuse(connection.problem, send) if connection.problem else self._feed(connection, receive, send))

    def _note(self, scope: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        assert headers["accept"] == "text/event-stream"
        assert scope["path"] == "/cameras/cam0/events"
        self.last_ids.append(headers.get("last-event-id"))
        self.keys.append(headers.get("x-api-key"))
        self.fps.append(parse_qs(scope["query_string"].decode()).get("fps", [None])[0])

    async def _refuse(self, kind: ProblemKind, send: Any) -> None:
        headers = [(b"content-type", PROBLEM_MEDIA_TYPE.encode())]
        await send({"type": "http.response.start", "status": kind.status, "headers": headers})
        body = json.dumps(Problem(kind, "in detail").encode("5f3a")).encode()
        await send({"type": "http.response.body", "body": body})

    async def _feed(self, connection: Connection, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": connection.text.encode(), "more_body": True})
        if connection.ending is Ending.OPEN:
            while (await receive())["type"] != "http.disconnect":
                pass
        elif connection.ending is Ending.CUT:
            raise asyncio.CancelledError  # the server closes the connection without an end of the body
        else:
            await send({"type": "http.response.body", "body": b""})


def results(*frame_ids: str) -> str:
    """Return the events for frames, as the gateway sends them, with a sign of life after each."""
    return "".join(
        f"event: result\nid: {frame_id}\ndata: {json.dumps(live(frame_id))}\n\n: still here\n\n"
        for frame_id in frame_ids
    )


def status(state: str) -> str:
    """Return the event for a change of the feed's state."""
    return f"event: status\ndata: {LiveStatus('cam0', LiveState(state)).to_json().decode()}\n\n"


RETRY_AT_ONCE = "retry: 1\n\n"
