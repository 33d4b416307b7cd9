"""``/cameras/{id}/video``: a camera's picture as MJPEG; ``/ws/cameras/{id}/video``: as JPEGs over WebSocket.

Pages use the WebSocket for many cameras at once, since browsers limit HTTP/1.1 to six connections per server, and to
draw boxes on the frame that they belong to, since an ``<img>`` doesn't tell which frame it shows.
"""

import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response, WebSocket

from services.gateway.analysis.cameras import require_camera_id
from services.gateway.api.feeds import STREAM_HEADERS, Fps, HeldStreamingResponse, send_until_disconnect
from services.gateway.dependencies import AppStateDep
from services.gateway.live.latest_value import ClosedError, LatestValue
from services.gateway.live.rendering import RenderedFrame, RenderOptions
from services.runtime.client_address import client_of
from services.runtime.frame_rate import FrameRateLimiter

BOUNDARY = "picture"
Overlay = Annotated[bool, Query(description="Draw the faces' boxes and emotions.")]
Blur = Annotated[bool, Query(description="Pixelate faces. Adds a delay of half a second.")]
_MEDIA_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"multipart/x-mixed-replace": {"schema": {"type": "string", "format": "binary"}}},
        "description": "A sequence of JPEGs",
    }
}

router = APIRouter(tags=["live"])


@router.get(
    "/cameras/{camera}/video", summary="A camera's picture as MJPEG", response_class=Response, responses=_STREAM
)
async def stream_mjpeg(
    request: Request,
    camera: str,
    state: AppStateDep,
    overlay: Overlay = False,
    blur: Blur = False,
    fps: Fps = None,
) -> Response:
    """Return the pictures as parts of a multipart response, which browsers show in an `<img>`."""
    # A camera without frames gets its problem now: after the response has started it is too late.
    await state.cameras.latest_frame(require_camera_id(camera), state.deadline())
    with ExitStack() as stack:
        slot = stack.enter_context(state.live.subscribe_video(RenderOptions(camera, overlay, blur), client_of(request)))
        return HeldStreamingResponse(_parts(slot, FrameRateLimiter(fps)), stack.pop_all(), STREAM_HEADERS, _MEDIA_TYPE)


async def _parts(slot: LatestValue[RenderedFrame], limiter: FrameRateLimiter) -> AsyncIterator[bytes]:
    """Yield the parts. A boundary follows each picture at once: browsers show a picture when they receive it."""
    yield f"--{BOUNDARY}\r\n".encode()
    while True:
        try:
            picture = await slot.get()
        except ClosedError:
            return
        parts = [_part(picture)] if limiter.allow(picture.at_s) else []
        del picture  # released before the next one is awaited
        while parts:
            yield parts.pop()


def _part(picture: RenderedFrame) -> bytes:
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture.jpeg)}\r\nX-Frame-Id: {picture.frame_id}\r\n\r\n"
    return head.encode() + picture.jpeg + f"\r\n--{BOUNDARY}\r\n".encode()


@router.websocket("/ws/cameras/{camera}/video")
async def stream_pictures(
    websocket: WebSocket,
    camera: str,
    state: AppStateDep,
    overlay: Overlay = False,
    blur: Blur = False,
    fps: Fps = None,
) -> None:
    """Send each picture as a binary message, after a text message with its frame's id and time."""
    await state.cameras.latest_frame(require_camera_id(camera), state.deadline())
    with state.live.subscribe_video(RenderOptions(camera, overlay, blur), client_of(websocket)) as slot:
        limiter = FrameRateLimiter(fps)
        await send_until_disconnect(websocket, lambda: _send_pictures(websocket, slot, limiter), slot.close)


async def _send_pictures(websocket: WebSocket, slot: LatestValue[RenderedFrame], limiter: FrameRateLimiter) -> None:
    while True:
        try:
            picture = await slot.get()
        except ClosedError:
            return
        if limiter.allow(picture.at_s):
            await websocket.send_text(json.dumps({"frame_id": picture.frame_id, "at_s": picture.at_s}))
            await websocket.send_bytes(picture.jpeg)
        del picture  # released before the next one is awaited
