"""``/cameras/{id}/events``: a camera's results as server-sent events."""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from services.gateway.camera_frames import require_camera_id
from services.gateway.live.broadcast import Message, Viewer
from services.gateway.live.latest_value import Closed
from services.gateway.routes.following import NOT_KEPT, After, EndlessResponse, Fps, resume_id
from services.gateway.running import RunningParts
from services.runtime.client_address import client_of

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
