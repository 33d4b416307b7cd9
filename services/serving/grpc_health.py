"""``grpc.health.v1``: SERVING once every model has a version that answers."""

import asyncio
from collections.abc import AsyncIterator
from enum import IntEnum
from typing import Any

from services.runtime.shutdown import ShutdownState
from services.serving.errors import NotFoundError
from services.serving.grpc_api import MODEL_SERVICE, PREDICTION_SERVICE, Methods
from services.serving.grpc_calls import Calls
from services.serving.manager import Manager
from services.serving.own_messages import health_messages
from services.serving.readiness import are_ready

HEALTH_SERVICE = "grpc.health.v1.Health"
LOOK_S = 0.2
_SERVICES = ("", PREDICTION_SERVICE, MODEL_SERVICE)


class Serving(IntEnum):
    """``HealthCheckResponse.ServingStatus``."""

    SERVING = 1
    NOT_SERVING = 2
    SERVICE_UNKNOWN = 3


class HealthService:
    """``grpc.health.v1.Health``."""

    def __init__(self, manager: Manager, shutdown: ShutdownState) -> None:
        self._manager = manager
        self._shutdown = shutdown
        self._request, self._response = health_messages()

    def methods(self, calls: Calls) -> Methods:
        """Return both methods by name."""
        forms = (self._request, self._response.SerializeToString)
        return {"Check": calls.method(self._check, *forms), "Watch": calls.stream(self._watch, *forms)}

    async def _check(self, request: Any) -> Any:
        status = self._status(request.service)
        if status is Serving.SERVICE_UNKNOWN:
            raise NotFoundError("unknown service")
        return self._response(status=status)

    async def _watch(self, request: Any) -> AsyncIterator[Any]:
        told = None
        while not self._shutdown.started:
            status = self._status(request.service)
            if status is not told:
                yield self._response(status=status)
            told = status
            await asyncio.sleep(LOOK_S)
        yield self._response(status=Serving.NOT_SERVING)

    def _status(self, service: str) -> Serving:
        if service not in _SERVICES:
            return Serving.SERVICE_UNKNOWN
        return (
            Serving.SERVING if are_ready(self._manager.kept()) and not self._shutdown.started else Serving.NOT_SERVING
        )
