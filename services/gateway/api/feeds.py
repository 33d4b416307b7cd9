"""``/cameras/{id}/events``: a camera's results as server-sent events."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response, WebSocket
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.contracts.frames import frame_order
from services.contracts.messages import MalformedMessageError
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.analysis.cameras import require_camera_id
from services.gateway.dependencies import RunningParts
from services.gateway.live.broadcast import Message, Viewer
from services.gateway.live.latest_value import Closed
from services.runtime.client_address import client_of

MOST_FPS = 120

Fps = Annotated[
    float | None,
    Query(gt=0, le=MOST_FPS, allow_inf_nan=False, description="At most this many a second; all if left out."),
]
After = Annotated[str | None, Query(description="The id of the last frame received: go on after it.")]

NOT_KEPT = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would collect what shall arrive at once
}


class EndlessResponse(StreamingResponse):
    """A stream that holds something for as long as it runs, and lets go of it whatever ends it."""

    def __init__(
        self, content: AsyncIterable[str | bytes], held: ExitStack, headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(content, headers=headers, media_type=media_type)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        with self._held:
            await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """Send all pieces, and keep none while the next is waited for: it may be a picture."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for piece in self.body_iterator:
            await send({"type": "http.response.body", "body": _encoded(piece), "more_body": True})
            del piece
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _encoded(piece: str | bytes | memoryview) -> bytes | memoryview:
    return piece.encode() if isinstance(piece, str) else piece


def resume_id(text: str | None) -> str | None:
    """Return the id of the frame to go on after, if one is given.

    Raises:
        ServiceError: 422, no frame has such an id.
    """
    if not text:
        return None
    try:
        frame_order(text)
    except MalformedMessageError as error:
        raise ServiceError(ProblemKind.INVALID_PARAMETER, f"after: {error}") from error
    return text


HEARTBEAT_S = 10.0
"""A comment is sent when there was nothing else for this long: proxies cut connections that are silent."""

RETRY_MS = 1000
"""How long a browser waits before it connects again."""

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Events, one for each frame"}
}


def events_router() -> APIRouter:
    """Return the route."""
    router = APIRouter(tags=["live"])

    @router.get(
        "/cameras/{camera}/events",
        summary="A camera's results as they come, as server-sent events",
        response_class=Response,
        responses=_STREAM,
    )
    async def events(
        request: Request,
        camera: str,
        parts: RunningParts,
        fps: Fps = None,
        after: After = None,
        last_event_id: Annotated[str | None, Header(description="Sent by browsers that come back.")] = None,
    ) -> Response:
        resume_after = resume_id(last_event_id or after)
        await parts.live.require_camera(require_camera_id(camera))
        with ExitStack() as stack:
            viewer = stack.enter_context(parts.live.viewed(camera, fps, resume_after, client_of(request)))
            return EndlessResponse(_events(viewer), stack.pop_all(), headers=NOT_KEPT, media_type="text/event-stream")

    return router


async def _events(viewer: Viewer) -> AsyncIterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    while True:
        try:
            message = await viewer.next(HEARTBEAT_S)
        except Closed:
            return
        yield _event(message) if message else ": still here\n\n"


def _event(message: Message) -> str:
    """Return one event; JSON has no line breaks of its own."""
    frame_id = f"id: {message.frame_id}\n" if message.frame_id else ""
    return f"event: {message.event}\n{frame_id}data: {message.text}\n\n"


GOING_AWAY = 1001
"""The close code of a server that stops (RFC 6455, 7.4.1)."""

_SILENCE_S = 3600.0
"""Pings keep a silent connection open, so nothing is sent meanwhile."""


def websocket_feed_router() -> APIRouter:
    """Return the route."""
    router = APIRouter()

    @router.websocket("/ws/cameras/{camera}")
    async def feed(
        websocket: WebSocket, camera: str, parts: RunningParts, fps: Fps = None, after: After = None
    ) -> None:
        resume_after = resume_id(after)
        await parts.live.require_camera(require_camera_id(camera))
        with parts.live.viewed(camera, fps, resume_after, client_of(websocket)) as viewer:
            await send_until_left(websocket, lambda: _send_all(websocket, viewer), viewer.close)

    return router


def unknown_websocket_router() -> APIRouter:
    """Return the route for all other addresses, which comes last: without it they would be refused with 403."""
    router = APIRouter()

    @router.websocket("/{path:path}")
    async def unknown(websocket: WebSocket) -> None:
        raise ServiceError(ProblemKind.NOT_FOUND, f"WebSocket {websocket.url.path}")

    return router


async def _send_all(websocket: WebSocket, viewer: Viewer) -> None:
    while True:
        try:
            message = await viewer.next(_SILENCE_S)
        except Closed:
            return
        if message is not None:
            await websocket.send_text(message.text)


async def send_until_left(
    websocket: WebSocket, send_all: Callable[[], Awaitable[None]], close: Callable[[], None]
) -> None:
    """Accept a connection and send, until the client leaves or the service stops; what the client sends is ignored.

    Args:
        websocket: The connection.
        send_all: Sends all that there is, and ends when its source is closed.
        close: Closes the source.
    """
    await websocket.accept()
    leaving = asyncio.create_task(_until_left(websocket, close))
    try:
        await send_all()
        if not leaving.done():
            await websocket.close(GOING_AWAY, "the service stops")
    finally:
        leaving.cancel()


async def _until_left(websocket: WebSocket, close: Callable[[], None]) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
    close()
