"""``/cameras``: which cameras there are, and what they see."""

import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any

from fastapi import APIRouter, Response

from services.contracts.cameras import OFFLINE, CameraList, CameraState, CameraView
from services.gateway.analysis.cameras import require_camera_id
from services.gateway.api.feeds import EndlessResponse
from services.gateway.dependencies import RunningParts
from services.gateway.protocols import ListedCamera
from services.runtime.limits import ConcurrencyLimit

MAX_FRAMES_SENT = 32
"""Most frames that are sent at the same time; each is held until its client has taken it."""

_PIECE_BYTES = 64 * 1024
_ANSWER: dict[int | str, dict[str, Any]] = {200: {"model": CameraList}}
_FRAME: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}, "description": "The frame"}
}


def cameras_router() -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/cameras", tags=["cameras"])

    sent = ConcurrencyLimit(MAX_FRAMES_SENT)

    @router.get("", summary="All cameras and their state", responses=_ANSWER)
    async def cameras(parts: RunningParts) -> Response:
        listed = await parts.frames.all(parts.deadline())
        answer = CameraList(tuple(camera_view(camera) for camera in listed)).encode()
        return Response(json.dumps(answer, allow_nan=False), media_type="application/json")

    @router.get("/{camera}/frame.jpg", summary="A camera's newest frame", response_class=Response, responses=_FRAME)
    async def frame(camera: str, parts: RunningParts) -> Response:
        with ExitStack() as stack:
            stack.enter_context(sent.slot())
            newest = await parts.frames.newest(require_camera_id(camera), parts.deadline())
            headers = {
                "Cache-Control": "no-store",
                "Content-Length": str(len(newest.message.jpeg)),
                "X-Frame-Id": newest.frame_id,
                "X-Frame-Age-Ms": f"{newest.age_ms():.1f}",
            }
            return EndlessResponse(_pieces(newest.message.jpeg), stack.pop_all(), headers, "image/jpeg")

    return router


async def _pieces(jpeg: bytes) -> AsyncIterator[bytes]:
    """Yield a frame so that the server waits for slow clients: what is sent whole it would keep for them all."""
    for start in range(0, len(jpeg), _PIECE_BYTES):
        yield jpeg[start : start + _PIECE_BYTES]


def camera_view(listed: ListedCamera) -> CameraView:
    """Return what clients are told about a camera."""
    status = listed.status
    without_status = CameraState.FAILED.value if listed.fault else OFFLINE
    return CameraView(
        id=listed.camera,
        state=status.state.value if status else without_status,
        source=status.source if status else "",
        fps=status.fps if status else 0.0,
        width=status.width if status else 0,
        height=status.height if status else 0,
        age_ms=listed.age_ms(),
        published=status.published if status else 0,
        dropped=status.dropped if status else 0,
        reconnects=status.reconnects if status else 0,
        last_error=status.last_error if status else listed.fault,
    )
