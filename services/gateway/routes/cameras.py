"""``/cameras``: which cameras there are, and what they see."""

import asyncio

from fastapi import APIRouter, Response

from services.contracts.camera_list import OFFLINE, CameraList, CameraView
from services.gateway.camera_frames import require_camera_id
from services.gateway.frames import KnownCamera
from services.gateway.running import RunningParts


def cameras_router() -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/cameras", tags=["cameras"])

    @router.get("", summary="All cameras and their state")
    async def cameras(parts: RunningParts) -> CameraList:
        by = parts.deadline()
        ids = await parts.store.camera_ids(by)
        known = await asyncio.gather(*(parts.store.known_camera(camera, by) for camera in ids))
        return CameraList(tuple(camera_view(camera) for camera in known if camera is not None))

    @router.get("/{camera}/frame.jpg", summary="A camera's newest frame", response_class=Response)
    async def frame(camera: str, parts: RunningParts) -> Response:
        newest = await parts.frames.newest(require_camera_id(camera), parts.deadline())
        headers = {
            "Cache-Control": "no-store",
            "X-Frame-Id": newest.frame_id,
            "X-Frame-Age-Ms": f"{newest.age_ms():.1f}",
        }
        return Response(newest.message.jpeg, headers=headers, media_type="image/jpeg")

    return router


def camera_view(known: KnownCamera) -> CameraView:
    """Return what clients are told about a camera."""
    status = known.status
    return CameraView(
        id=known.camera,
        state=status.state.value if status else OFFLINE,
        source=status.source if status else "",
        fps=status.fps if status else 0.0,
        width=status.width if status else 0,
        height=status.height if status else 0,
        age_ms=known.newest.age_ms() if known.newest else None,
        published=status.published if status else 0,
        dropped=status.dropped if status else 0,
        reconnects=status.reconnects if status else 0,
        last_error=status.last_error if status else "",
        recorded=status.recorded if status else False,
    )
