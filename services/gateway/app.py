"""Builds the gateway's application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TypedDict

from fastapi import FastAPI
from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from services.gateway.api import cameras, feeds, image_sockets, pages, predict, status, video
from services.gateway.api.openapi import ApiDocument
from services.gateway.compat.register import add_compat_apis, document_errors, error_formats
from services.gateway.dependencies import AppState, OpenClients, StateBuilder, open_clients
from services.gateway.security.auth import AccessControl, WrongKeyLimiter
from services.gateway.security.cors import Cors
from services.gateway.settings import GatewaySettings
from services.runtime.app import ServiceContext, create_service_app
from services.runtime.openapi import complete_document
from services.runtime.process import collect_garbage

DESCRIPTION = (
    "The emotion in a camera's newest frame or in an uploaded image, as one of seven with scores from 0 to 1. "
    "Errors are problem details (RFC 9457). Clients must ignore fields they don't know. "
    "Scores describe how a face looks, not what a person feels."
)


class _LifespanState(TypedDict):
    app_state: AppState


def create_app(settings: GatewaySettings, context: ServiceContext, open_clients: OpenClients = open_clients) -> FastAPI:
    """Return the application. Its clients are open while it runs."""
    access = AccessControl(
        [key.get_secret_value() for key in settings.api_keys], WrongKeyLimiter(context.registry), settings.rate
    )
    builder = StateBuilder(settings, context, access.rate_limit(access.key_auth(in_query=True)))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[_LifespanState]:
        async with open_clients(settings) as clients:
            state = builder.build(clients)
            context.checks.update(state.dependencies)
            context.shutdown.add_hook(state.live.close)
            collecting = asyncio.create_task(collect_garbage())
            try:
                yield {"app_state": state}
            finally:
                collecting.cancel()
                await state.live.close()

    app = create_service_app(
        "Emotion recognition",
        context,
        lifespan,
        settings.origin_policy,
        settings.body_limit_bytes,
        DESCRIPTION,
        [Middleware(Cors, origins=settings.cors_origins)] if settings.cors_origins else [],
        builder.limits.upload_bytes,
    )
    for router in (predict.router, cameras.router, status.router):
        app.include_router(router, dependencies=access.dependencies())
    for router in (feeds.router, video.router, image_sockets.router):
        app.include_router(router, dependencies=access.dependencies(in_query=True))
    pages.load_assets()
    app.include_router(pages.router)
    app.include_router(feeds.fallback_router)
    add_compat_apis(app, settings.compat_apis, access)
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    formats = error_formats(settings.compat_apis)
    complete_document(app, ApiDocument(bool(access.keys), partial(document_errors, formats)))
    return app
