"""``/ws/cameras/{id}/video``: a camera's picture over WebSocket, each with the id of its frame.

Pages take it instead of MJPEG where there are many cameras, since browsers open six connections to a server
for all their requests, but hundreds of WebSockets; and where boxes shall stand on the frame that they belong to,
since an ``<img>`` doesn't say which frame it shows.
"""

import json

from fastapi import APIRouter, WebSocket

from services.gateway.camera_frames import require_camera_id
from services.gateway.live.latest_value import Closed, Latest
from services.gateway.live.rendering import Look, Picture
from services.gateway.routes.following import Fps
from services.gateway.routes.video import Blur, Overlay
from services.gateway.routes.websockets import send_until_left
from services.gateway.running import RunningParts
from services.runtime.client_address import client_of
from services.runtime.frame_rate import FrameRateLimiter


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
