"""Builds the gateway's application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from fastapi import Depends, FastAPI
from limits.storage import MemoryStorage
from prometheus_client import Gauge
from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from services.gateway.api.cameras import cameras_router
from services.gateway.api.feeds import events_router, unknown_websocket_router, websocket_feed_router
from services.gateway.api.image_sockets import ImageSocketLimits, image_socket_router
from services.gateway.api.openapi import ApiDocument
from services.gateway.api.pages import api_reference_router, dashboard_router
from services.gateway.api.predict import PredictLimits, predict_router
from services.gateway.api.status import services_router
from services.gateway.api.video import video_router, video_socket_router
from services.gateway.compat.base import Asking
from services.gateway.compat.register import Access, add_compat_apis, shapes_of
from services.gateway.dependencies import OpenResources, Running, dependency_checks, open_resources, run_parts
from services.gateway.metrics import GatewayMetrics, LiveMetrics
from services.gateway.security.auth import ApiKeys, RateLimit, WrongKeys
from services.gateway.security.cors import Cors
from services.gateway.settings import GatewaySettings
from services.runtime.app import ServiceContext, create_service_app
from services.runtime.health import Check
from services.runtime.limits import ByteBudget, FairConcurrencyLimit
from services.runtime.openapi import complete_document
from services.runtime.process import collect_garbage

DESCRIPTION = (
    "The emotion in a camera's newest frame or in an uploaded image, as one of seven with scores from 0 to 1. "
    "Errors are problem details (RFC 9457). Clients must ignore fields they don't know. "
    "Scores describe how a face looks, not what a person feels."
)


class _State(TypedDict):
    running: Running


def create_app(
    settings: GatewaySettings, context: ServiceContext, open_resources: OpenResources = open_resources
) -> FastAPI:
    """Return the application; its resources are open while it runs."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[_State]:
        async with open_resources(settings) as resources:
            dependencies.update(dependency_checks(resources))
            context.checks.update(dependencies)
            parts = run_parts(resources, settings, live_metrics)
            context.shutdown.add_hook(parts.live.close)
            collecting = asyncio.create_task(collect_garbage())
            try:
                yield {"running": parts}
            finally:
                collecting.cancel()
                await parts.live.close()

    dependencies = dict[str, Check]()
    live_metrics = LiveMetrics(context.registry)
    share = settings.upload_share
    in_flight = FairConcurrencyLimit(settings.max_in_flight, share, "predictions")
    Gauge("gateway_in_flight", "Predictions worked on", registry=context.registry).set_function(
        lambda: in_flight.in_flight
    )
    budget = ByteBudget(settings.max_upload_bytes_in_flight)
    app = create_service_app(
        "Emotion recognition",
        context,
        lifespan,
        settings.origin_policy,
        settings.body_limit_bytes,
        DESCRIPTION,
        [Middleware(Cors, origins=settings.cors_origins)] if settings.cors_origins else [],
        budget,
    )
    secrets, counts = [key.get_secret_value() for key in settings.api_keys], MemoryStorage()
    wrong_keys = WrongKeys(context.registry)
    keys, feed_keys = ApiKeys(secrets, wrong_keys), ApiKeys(secrets, wrong_keys, in_query=True)
    feed_rate = RateLimit(settings.rate, feed_keys, counts)
    access = [Depends(RateLimit(settings.rate, keys, counts)), Depends(keys)]
    feed_access = [Depends(feed_rate), Depends(feed_keys)]
    metrics = GatewayMetrics(context.registry)
    limits = PredictLimits(in_flight, FairConcurrencyLimit(settings.max_uploads, share, "uploads"))
    app.include_router(predict_router(metrics, limits), dependencies=access)
    app.include_router(events_router(), dependencies=feed_access)
    app.include_router(video_router(), dependencies=feed_access)
    app.include_router(websocket_feed_router(), dependencies=feed_access)
    app.include_router(video_socket_router(), dependencies=feed_access)
    connections = FairConcurrencyLimit(settings.max_uploads, share, "connections")
    images = ImageSocketLimits(limits, connections, feed_rate, settings, budget)
    app.include_router(image_socket_router(metrics, images), dependencies=feed_access)
    app.include_router(cameras_router(), dependencies=access)
    app.include_router(services_router(context.readiness, dependencies), dependencies=access)
    app.include_router(dashboard_router())
    app.include_router(api_reference_router())
    app.include_router(unknown_websocket_router())
    compat_access = Access(secrets, wrong_keys, settings.rate, counts)
    add_compat_apis(app, settings, Asking(metrics, limits), compat_access, context)
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    complete_document(app, ApiDocument(bool(secrets), shapes_of(settings.compat_apis)))
    return app
