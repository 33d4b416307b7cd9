"""Builds the detector's application."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from prometheus_client import Gauge

from services.detector.api import describe_detection, detect_router
from services.detector.health import DetectorMetrics, PoolCheck
from services.detector.pool import DetectorPool
from services.detector.settings import DetectorSettings
from services.detector.worker_process import WorkerEnd, WorkerProcess, start_worker
from services.detector.worker_protocol import WorkerSettings
from services.runtime.app import ServiceContext, create_service_app
from services.runtime.openapi import complete_document


def create_app(settings: DetectorSettings, context: ServiceContext) -> FastAPI:
    """Return the application; its worker processes start with it and end with it."""
    metrics = DetectorMetrics(context.registry)
    pool = _pool(settings, metrics)
    Gauge("detector_in_flight", "Images worked on or waiting", registry=context.registry).set_function(
        lambda: pool.in_flight
    )
    context.checks["workers"] = PoolCheck(pool)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await pool.open()
            yield
        finally:
            await pool.close()

    app = create_service_app("Face detector", context, lifespan, settings.origin_policy, settings.body_limit_bytes)
    app.include_router(detect_router(pool, metrics, settings.pixel_limit))
    complete_document(app, describe_detection)
    return app


def worker_settings(settings: DetectorSettings) -> WorkerSettings:
    """Return what a worker process is given."""
    return WorkerSettings(
        settings.cascade,
        settings.scale_factor,
        settings.min_neighbors,
        settings.min_face_px,
        settings.search_side_px,
        settings.pixel_limit,
        settings.max_work_s,
    )


def _pool(settings: DetectorSettings, metrics: DetectorMetrics) -> DetectorPool:
    given = worker_settings(settings)

    async def start(on_end: Callable[[WorkerEnd], None]) -> WorkerProcess:
        return await start_worker(given, on_end)

    return DetectorPool(start, settings.workers, settings.waiting, settings.max_wait_s, metrics.worker_ended)
