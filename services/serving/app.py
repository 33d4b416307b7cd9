"""The HTTP application: REST, health and metrics on one port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.runtime.app import Plumbing, create_service_app
from services.serving.errors import ServingError
from services.serving.metrics import CallMetrics
from services.serving.model import Model, State
from services.serving.rest_api import handle_errors, rest_router
from services.serving.workers import Workers

BODY_LIMIT_BYTES = 64 * 1024 * 1024


class ModelCheck:
    """Readiness: a version is in service."""

    required = True

    def __init__(self, model: Model) -> None:
        self._model = model

    async def __call__(self) -> str:
        """Return which version answers; raise where none does."""
        statuses = self._model.statuses(self._model.name)
        status = next((status for status in statuses if status.state is State.AVAILABLE), statuses[0])
        told = f"version {status.version} is {status.state.name}"
        if status.state is not State.AVAILABLE:
            raise ServingError(f"{told}: {status.message}" if status.message else told)
        return told


def create_app(plumbing: Plumbing, model: Model, workers: Workers, metrics: CallMetrics) -> FastAPI:
    """Return the application; what it uses is opened and closed by its caller."""
    plumbing.checks["model"] = ModelCheck(model)
    app = create_service_app("serving", plumbing, _no_resources, BODY_LIMIT_BYTES, __doc__)
    handle_errors(app)
    app.include_router(rest_router(model, workers, metrics))
    return app


@asynccontextmanager
async def _no_resources(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001 - FastAPI's signature
    yield
