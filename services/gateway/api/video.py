"""``/cameras/{id}/video``: a camera's picture as MJPEG, which browsers show in an ``<img>``."""

import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response, WebSocket

from services.gateway.analysis.cameras import require_camera_id
from services.gateway.api.feeds import NOT_KEPT, EndlessResponse, Fps, send_until_left
from services.gateway.dependencies import RunningParts
from services.gateway.live.latest_value import Closed, Latest
from services.gateway.live.rendering import Look, Picture
from services.runtime.client_address import client_of
from services.runtime.frame_rate import FrameRateLimiter

BOUNDARY = "picture"
Overlay = Annotated[bool, Query(description="Draw faces' boxes and emotions.")]
Blur = Annotated[bool, Query(description="Make faces unrecognisable; the picture comes half a second late.")]
_MEDIA_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"multipart/x-mixed-replace": {"schema": {"type": "string", "format": "binary"}}},
        "description": "JPEGs, one after the other",
    }
}


def video_router() -> APIRouter:
    """Return the route."""
    router = APIRouter(tags=["live"])

    @router.get(
        "/cameras/{camera}/video",
        summary="A camera's picture as MJPEG",
        response_class=Response,
        responses=_STREAM,
    )
    async def video(
        request: Request,
        camera: str,
        parts: RunningParts,
        overlay: Overlay = False,
        blur: Blur = False,
        fps: Fps = None,
    ) -> Response:
        # what keeps pictures from coming can only be told now
        await parts.frames.newest(require_camera_id(camera), parts.deadline())
        with ExitStack() as stack:
            look = Look(camera, overlay, blur)
            slot = stack.enter_context(parts.live.pictured(look, client_of(request)))
            return EndlessResponse(
                _parts(slot, FrameRateLimiter(fps)), stack.pop_all(), headers=NOT_KEPT, media_type=_MEDIA_TYPE
            )

    return router


async def _parts(slot: Latest[Picture], frame_rate: FrameRateLimiter) -> AsyncIterator[bytes]:
    """Yield the parts; each boundary follows its picture at once, since browsers wait for it to show the picture."""
    yield f"--{BOUNDARY}\r\n".encode()
    while True:
        try:
            picture = await slot.take()
        except Closed:
            return
        parts = [_part(picture)] if frame_rate.allow(picture.at_s) else []
        del picture  # which would be held until the next one comes
        while parts:
            yield parts.pop()


def _part(picture: Picture) -> bytes:
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture.jpeg)}\r\nX-Frame-Id: {picture.frame_id}\r\n\r\n"
    return head.encode() + picture.jpeg + f"\r\n--{BOUNDARY}\r\n".encode()


def video_socket_router() -> APIRouter:
    """Return the route."""
    router = APIRouter()

    @router.websocket("/ws/cameras/{camera}/video")
    async def pictures(
        websocket: WebSocket,
        camera: str,
        parts: RunningParts,
        overlay: Overlay = False,
        blur: Blur = False,
        fps: Fps = None,
    ) -> None:
        await parts.frames.newest(require_camera_id(camera), parts.deadline())
        look = Look(camera, overlay, blur)
        with parts.live.pictured(look, client_of(websocket)) as slot:
            await send_until_left(websocket, lambda: _send_all(websocket, slot, FrameRateLimiter(fps)), slot.close)

    return router


async def _send_all(websocket: WebSocket, slot: Latest[Picture], frame_rate: FrameRateLimiter) -> None:
    while True:
        try:
            picture = await slot.take()
        except Closed:
            return
        if frame_rate.allow(picture.at_s):
            await websocket.send_text(json.dumps({"frame_id": picture.frame_id, "at_s": picture.at_s}))
            await websocket.send_bytes(picture.jpeg)
        del picture  # which would be held until the next one comes
