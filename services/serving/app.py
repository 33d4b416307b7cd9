"""The HTTP application: REST, health and metrics on one port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response

from services.runtime.app import ServiceContext, create_service_app
from services.runtime.openapi import complete_document
from services.runtime.origins import OriginPolicy
from services.serving.api_document import describe_errors
from services.serving.core import Core
from services.serving.errors import ServingError
from services.serving.manager import Manager
from services.serving.readiness import are_ready, describe
from services.serving.rest_api import RestLimits, handle_errors, rest_router
from services.serving.server_options import ServerOptions

BODY_LIMIT_BYTES = 8 * 1024 * 1024


class ModelCheck:
    """Readiness: every model has a version in service."""

    required = True

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    async def __call__(self) -> str:
        """Return which versions answer; raise where a model has none."""
        models = self._manager.kept()
        if not are_ready(models):
            raise ServingError(describe(models))
        return describe(models)


def create_app(context: ServiceContext, core: Core, options: ServerOptions) -> FastAPI:
    """Return the application; what it uses is opened and closed by its caller."""
    context.checks["model"] = ModelCheck(core.manager)
    app = create_service_app("serving", context, _no_resources, _policy(options), BODY_LIMIT_BYTES, __doc__)
    handle_errors(app)
    complete_document(app, describe_errors)
    limits = RestLimits(options.flags.rest_api_num_threads, options.flags.rest_api_timeout_in_ms / 1e3)
    app.include_router(rest_router(core, limits))
    if options.monitoring_path is not None:
        _add_monitoring(app, core, options.monitoring_path)
    return app


def _add_monitoring(app: FastAPI, core: Core, path: str) -> None:
    @app.get(path, tags=["health"], summary="Metrics under the original's names", response_class=Response)
    async def monitoring() -> Response:
        return Response(core.monitoring.text(), media_type="text/plain; version=0.0.4")


def _policy(options: ServerOptions) -> OriginPolicy:
    names = (name.strip().lower() for name in options.flags.rest_api_allowed_hosts.split(","))
    return OriginPolicy(frozenset(name for name in names if name))


@asynccontextmanager
async def _no_resources(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001 - FastAPI's signature
    yield
