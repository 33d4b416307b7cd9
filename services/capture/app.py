"""The application: its cameras run for as long as it does; over HTTP it only tells how they are."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.capture.camera import Camera, CameraPolicy
from services.capture.health import CameraMetrics, checks_for
from services.capture.heartbeat import Heartbeat
from services.capture.publisher_thread import Publisher
from services.capture.settings import CaptureSettings
from services.capture.sources.base import SourceOpener
from services.runtime.app import ServiceContext, create_service_app

STOP_CAMERAS_S = 2.0


def create_app(
    settings: CaptureSettings, context: ServiceContext, publisher: Publisher, opener: SourceOpener
) -> FastAPI:
    """Return the application.

    Args:
        settings: What to capture.
        context: Shared with the server.
        publisher: Where frames and statuses go; closed when the application stops.
        opener: Opens a camera's source.
    """
    policy = CameraPolicy(
        fps=settings.fps,
        jpeg_quality=settings.jpeg_quality,
        open_s=settings.open_s,
        stall_s=settings.stall_s,
        reconnect_min_s=settings.reconnect_min_s,
        reconnect_max_s=settings.reconnect_max_s,
    )
    cameras = [Camera(named, policy, opener, publisher) for named in settings.cameras]
    context.checks.update(checks_for(cameras, publisher))
    context.registry.register(CameraMetrics(cameras))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        heartbeat = Heartbeat(cameras, publisher)
        for camera in cameras:
            camera.start()
        heartbeat.start()
        try:
            yield
        finally:
            await asyncio.to_thread(_stop, cameras, heartbeat, publisher)

    return create_service_app("capture", context, lifespan, settings.origin_policy, description="Camera → JPEG → Redis")


def _stop(cameras: Sequence[Camera], heartbeat: Heartbeat, publisher: Publisher) -> None:
    """Stop all cameras at the same time, then say that they are gone."""
    for camera in cameras:
        camera.begin_stop()
    deadline = time.monotonic() + STOP_CAMERAS_S
    for camera in cameras:
        camera.join(max(deadline - time.monotonic(), 0.0))
    heartbeat.stop(STOP_CAMERAS_S)
    publisher.close()
