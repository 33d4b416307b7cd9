"""The application: it runs the cameras, and serves health and metrics over HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.capture.camera import Camera, CameraPolicy
from services.capture.health import CameraMetrics, readiness_checks
from services.capture.heartbeat import Heartbeat
from services.capture.publisher_thread import Publisher
from services.capture.settings import CaptureSettings
from services.capture.sources.base import SourceFactory
from services.runtime.app import ServiceContext, create_service_app
from services.runtime.clock import Clock

STOP_CAMERAS_S = 2.0


def create_app(
    settings: CaptureSettings, context: ServiceContext, publisher: Publisher, source_factory: SourceFactory
) -> FastAPI:
    """Return the application.

    Args:
        settings: The cameras and their limits.
        context: Shared with the server.
        publisher: Receives frames and statuses; closed at shutdown.
        source_factory: Opens a camera's source.
    """
    policy = CameraPolicy(
        fps=settings.fps,
        jpeg_quality=settings.jpeg_quality,
        open_s=settings.open_s,
        stall_s=settings.stall_s,
        reconnect_min_s=settings.reconnect_min_s,
        reconnect_max_s=settings.reconnect_max_s,
    )
    cameras = [Camera(spec, policy, source_factory, publisher) for spec in settings.cameras]
    context.checks.update(readiness_checks(cameras, publisher))
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
    stop_cameras(cameras)
    heartbeat.stop(STOP_CAMERAS_S)
    publisher.close()


def stop_cameras(cameras: Sequence[Camera], clock: Clock = time.monotonic) -> None:
    """Stop all cameras at the same time, and wait for ``STOP_CAMERAS_S`` at most."""
    for camera in cameras:
        camera.begin_stop()
    deadline_s = clock() + STOP_CAMERAS_S
    for camera in cameras:
        camera.join(max(deadline_s - clock(), 0.0))
