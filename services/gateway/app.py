"""Builds the gateway's application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from fastapi import Depends, FastAPI
from prometheus_client import Gauge

from services.gateway.access import ApiKeys, RateLimit
from services.gateway.checks import dependency_checks
from services.gateway.cors import Cors
from services.gateway.metrics import GatewayMetrics
from services.gateway.origin_guard import OriginGuard
from services.gateway.resources import OpenResources, open_resources
from services.gateway.routes.cameras import cameras_router
from services.gateway.routes.predict import PredictLimits, predict_router
from services.gateway.routes.services import services_router
from services.gateway.running import Running, run_parts
from services.gateway.settings import GatewaySettings
from services.runtime.app import Plumbing, create_service_app
from services.runtime.in_flight import InFlightLimit

DESCRIPTION = (
    "The emotion in a camera's newest frame or in an uploaded image, as one of seven with scores from 0 to 1. "
    "Errors are problem details (RFC 9457). Clients must ignore fields they don't know. "
    "Scores describe how a face looks, not what a person feels."
)


class _State(TypedDict):
    running: Running


def create_app(
    settings: GatewaySettings, plumbing: Plumbing, open_resources: OpenResources = open_resources
) -> FastAPI:
    """Return the application; its resources are open while it runs."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[_State]:
        async with open_resources(settings) as resources:
            plumbing.checks.update(dependency_checks(resources))
            yield {"running": run_parts(resources, settings)}

    in_flight = InFlightLimit(settings.max_in_flight)
    Gauge("gateway_in_flight", "Predictions worked on", registry=plumbing.registry).set_function(
        lambda: in_flight.in_flight
    )
    app = create_service_app(
        "Emotion recognition", plumbing, lifespan, settings.body_limit_bytes, description=DESCRIPTION
    )
    keys = ApiKeys([key.get_secret_value() for key in settings.api_keys])
    access = [Depends(RateLimit(settings.rate, keys)), Depends(keys)]
    limits = PredictLimits(in_flight, uploads=InFlightLimit(settings.max_uploads))
    app.include_router(predict_router(GatewayMetrics(plumbing.registry), limits), dependencies=access)
    app.include_router(cameras_router(), dependencies=access)
    app.include_router(services_router(plumbing.checks), dependencies=access)
    if settings.cors_origins:
        app.add_middleware(Cors, origins=settings.cors_origins)
    app.add_middleware(OriginGuard, allowed=settings.allowed, registry=plumbing.registry)
    return app
