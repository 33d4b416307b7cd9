"""``/ws/cameras/{id}``: a camera's results over WebSocket; and the answer for WebSockets that don't exist."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, WebSocket

from services.contracts.problems import ProblemKind
from services.gateway.camera_frames import require_camera_id
from services.gateway.live.broadcast import Viewer
from services.gateway.live.latest_value import Closed
from services.gateway.routes.following import After, Fps, resume_id
from services.gateway.running import RunningParts
from services.runtime.client_address import client_of
from services.runtime.problems import ProblemError

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
        raise ProblemError(ProblemKind.NOT_FOUND, f"WebSocket {websocket.url.path}")

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
