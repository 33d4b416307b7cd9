"""Builds the detector's application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import cv2
from fastapi import FastAPI
from prometheus_client import Gauge

from services.detector.api import detect_router
from services.detector.api_document import describe_detection
from services.detector.metrics import DetectorMetrics
from services.detector.pool import DetectorPool
from services.detector.readiness import PoolCheck
from services.detector.searches import face_search
from services.detector.settings import DetectorSettings
from services.runtime.app import Plumbing, create_service_app
from services.runtime.openapi import complete_document


def create_app(settings: DetectorSettings, plumbing: Plumbing) -> FastAPI:
    """Return the application; the cascade is loaded here, once for each worker.

    Raises:
        CascadeError: The cascade can't be loaded.
    """
    cv2.setNumThreads(1)
    pool = _pool(settings)
    Gauge("detector_in_flight", "Images worked on or waiting", registry=plumbing.registry).set_function(
        lambda: pool.in_flight
    )

    plumbing.checks["workers"] = PoolCheck(pool)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            pool.close()

    app = create_service_app("Face detector", plumbing, lifespan, settings.body_limit_bytes)
    app.include_router(detect_router(pool, DetectorMetrics(plumbing.registry)))
    complete_document(app, describe_detection)
    return app


def _pool(settings: DetectorSettings) -> DetectorPool:
    searches = [face_search(settings) for _ in range(settings.workers)]
    return DetectorPool(searches, settings.waiting, settings.max_wait_s, settings.pixel_limit)
