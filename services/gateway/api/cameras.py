"""``/cameras``: all cameras with their state, and a camera's newest frame."""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any

from fastapi import APIRouter, Response

from services.contracts.cameras import OFFLINE, CameraList, CameraState, CameraView
from services.gateway.analysis.cameras import require_camera_id
from services.gateway.api.feeds import HeldStreamingResponse
from services.gateway.dependencies import AppStateDep
from services.gateway.protocols import ListedCamera

_CHUNK_BYTES = 64 * 1024
_ANSWER: dict[int | str, dict[str, Any]] = {200: {"model": CameraList}}
_FRAME: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}, "description": "The frame"}
}


router = APIRouter(prefix="/cameras", tags=["cameras"])


@router.get("", summary="All cameras and their state", responses=_ANSWER)
async def cameras(state: AppStateDep) -> Response:
    listed = await state.cameras.list_cameras(state.deadline())
    answer = CameraList(tuple(camera_view(camera) for camera in listed))
    return Response(answer.to_json(), media_type="application/json")


@router.get("/{camera}/frame.jpg", summary="A camera's newest frame", response_class=Response, responses=_FRAME)
async def frame(camera: str, state: AppStateDep) -> Response:
    with ExitStack() as stack:
        stack.enter_context(state.limits.frames_sent.slot())
        latest = await state.cameras.latest_frame(require_camera_id(camera), state.deadline())
        headers = {
            "Cache-Control": "no-store",
            "Content-Length": str(len(latest.message.jpeg)),
            "X-Frame-Id": latest.frame_id,
            "X-Frame-Age-Ms": f"{latest.age_ms():.1f}",
        }
        return HeldStreamingResponse(_chunks(latest.message.jpeg), stack.pop_all(), headers, "image/jpeg")


async def _chunks(jpeg: bytes) -> AsyncIterator[bytes]:
    """Yield a frame in chunks: the server waits for slow clients between them, instead of buffering whole frames."""
    for start in range(0, len(jpeg), _CHUNK_BYTES):
        yield jpeg[start : start + _CHUNK_BYTES]


def camera_view(listed: ListedCamera) -> CameraView:
    """Return a camera as clients see it."""
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
