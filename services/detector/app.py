"""The detector's application and its pool of worker processes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from prometheus_client import Gauge

from services.detector.api import DetectorState, describe_detection, router
from services.detector.health import DetectorMetrics, PoolCheck
from services.detector.pool import DetectorPool
from services.detector.settings import DetectorSettings
from services.detector.worker_process import WorkerEnd, WorkerProcess, start_worker
from services.detector.worker_protocol import WorkerSettings
from services.runtime.app import ServiceContext, create_service_app
from services.runtime.limits import ConcurrencyLimit
from services.runtime.openapi import complete_document


def create_app(settings: DetectorSettings, context: ServiceContext) -> FastAPI:
    """Return the application; its worker processes start with it and end with it."""
    metrics = DetectorMetrics(context.registry)
    pool = _pool(settings, metrics)
    Gauge("detector_in_flight", "Images being processed or waiting", registry=context.registry).set_function(
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
    app.state.detector = DetectorState(pool, metrics, settings.pixel_limit, ConcurrencyLimit(pool.capacity))
    app.include_router(router)
    complete_document(app, describe_detection)
    return app


def worker_settings(settings: DetectorSettings) -> WorkerSettings:
    """Return the settings of a worker process."""
    return WorkerSettings(settings.search(), settings.max_work_s)


def _pool(settings: DetectorSettings, metrics: DetectorMetrics) -> DetectorPool:
    worker = worker_settings(settings)

    async def start(on_end: Callable[[WorkerEnd], None]) -> WorkerProcess:
        return await start_worker(worker, on_end)

    return DetectorPool(start, settings.workers, settings.queue_size, settings.max_wait_s, metrics.worker_ended)
