"""``/cameras/{id}/events`` and ``/ws/cameras/{id}``: a camera's results as server-sent events and over WebSocket."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response, WebSocket
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.contracts.frames import frame_order
from services.contracts.messages import MalformedMessageError
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.analysis.cameras import require_camera_id
from services.gateway.dependencies import AppStateDep
from services.gateway.live.broadcast import Subscriber
from services.gateway.live.latest_value import ClosedError
from services.runtime.client_address import client_of

MAX_FPS = 120

Fps = Annotated[
    float | None,
    Query(gt=0, le=MAX_FPS, allow_inf_nan=False, description="Most frames per second; all if left out."),
]
After = Annotated[str | None, Query(description="The id of the last frame received; the feed continues after it.")]

STREAM_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would buffer the stream
}


class HeldStreamingResponse(StreamingResponse):
    """A stream that holds resources until it ends, however it ends."""

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
        """Send all chunks. A chunk, which may be a picture, is released before the next one is awaited."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for chunk in self.body_iterator:
            await send({"type": "http.response.body", "body": _encoded(chunk), "more_body": True})
            del chunk
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _encoded(chunk: str | bytes | memoryview) -> bytes | memoryview:
    return chunk.encode() if isinstance(chunk, str) else chunk


def parse_frame_id(text: str | None) -> str | None:
    """Return the frame id if one is given.

    Raises:
        ServiceError: 422, it isn't a frame id.
    """
    if not text:
        return None
    try:
        frame_order(text)
    except MalformedMessageError as error:
        raise ServiceError(ProblemKind.INVALID_PARAMETER, f"after: {error}") from error
    return text


HEARTBEAT_S = 10.0
"""A comment is sent after this time without events, since proxies close idle connections."""

RETRY_MS = 1000
"""How long a browser waits before it reconnects."""

GOING_AWAY = 1001
"""WebSocket close code of a server that shuts down (RFC 6455, 7.4.1)."""

_MAX_WAIT_S = 3600.0
"""A WebSocket feed needs no heartbeat: the server's pings keep the connection open."""

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Events, one for each frame"}
}

router = APIRouter(tags=["live"])
fallback_router = APIRouter()
"""Goes last. Without it a WebSocket at an unknown path is refused with 403."""


@router.get(
    "/cameras/{camera}/events",
    summary="A camera's results as they come, as server-sent events",
    response_class=Response,
    responses=_STREAM,
)
async def stream_events(
    request: Request,
    camera: str,
    state: AppStateDep,
    fps: Fps = None,
    after: After = None,
    last_event_id: Annotated[str | None, Header(description="Sent by browsers when they reconnect.")] = None,
) -> Response:
    """Return the results as they come. With `after`, or after a reconnection, missed results come first."""
    resume_after = parse_frame_id(last_event_id or after)
    await state.live.require_camera(require_camera_id(camera))
    with ExitStack() as stack:
        viewer = stack.enter_context(state.live.subscribe(camera, fps, resume_after, client_of(request)))
        return HeldStreamingResponse(_events(viewer), stack.pop_all(), STREAM_HEADERS, "text/event-stream")


async def _events(viewer: Subscriber) -> AsyncIterator[bytes]:
    yield format_sse_event(retry=RETRY_MS)
    while True:
        try:
            message = await viewer.get(HEARTBEAT_S)
        except ClosedError:
            return
        if message is None:
            yield format_sse_event(comment="heartbeat")
        else:
            yield format_sse_event(event=message.event, id=message.frame_id or None, data_str=message.text)


@router.websocket("/ws/cameras/{camera}")
async def stream_results(
    websocket: WebSocket, camera: str, state: AppStateDep, fps: Fps = None, after: After = None
) -> None:
    """Send the results as text messages."""
    resume_after = parse_frame_id(after)
    await state.live.require_camera(require_camera_id(camera))
    with state.live.subscribe(camera, fps, resume_after, client_of(websocket)) as viewer:
        await send_until_disconnect(websocket, lambda: _send_results(websocket, viewer), viewer.close)


@fallback_router.websocket("/{path:path}")
async def unknown_websocket(websocket: WebSocket) -> None:
    """Refuse the handshake with 404."""
    raise ServiceError(ProblemKind.NOT_FOUND, f"WebSocket {websocket.url.path}")


async def _send_results(websocket: WebSocket, viewer: Subscriber) -> None:
    while True:
        try:
            message = await viewer.get(_MAX_WAIT_S)
        except ClosedError:
            return
        if message is not None:
            await websocket.send_text(message.text)


async def send_until_disconnect(
    websocket: WebSocket, send_all: Callable[[], Awaitable[None]], close: Callable[[], None]
) -> None:
    """Accept a connection and send until the client disconnects or the service stops. Received messages are ignored.

    Args:
        websocket: The connection.
        send_all: Sends the messages; returns when their source is closed.
        close: Closes the source.
    """
    await websocket.accept()
    disconnect = asyncio.create_task(_until_disconnect(websocket, close))
    try:
        await send_all()
        if not disconnect.done():
            await websocket.close(GOING_AWAY, "the service stops")
    finally:
        disconnect.cancel()


async def _until_disconnect(websocket: WebSocket, close: Callable[[], None]) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
    close()
