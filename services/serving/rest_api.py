"""The REST interface, with errors in TensorFlow Serving's form: ``{"error": "…"}``."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from services.contracts.problems import ServiceError
from services.serving.byte_budget import ByteBudget
from services.serving.choice import Choice
from services.serving.core import Core
from services.serving.errors import MESSAGE_LIMIT, DeadlineError, InvalidArgumentError, ServingError, http_status
from services.serving.inference import CLASSIFY, REGRESS, check_examples, refuse
from services.serving.metadata import metadata_json
from services.serving.model import VersionStatus
from services.serving.rest_json import parse_json
from services.serving.rest_predict import RestPredict

_VERSION_DIGITS = 18
"""As many as always fit 64 bits."""
_MAX_EXAMPLE_VALUES = 10_000
"""Values of a body whose method isn't implemented."""

_PLACES = ("/{name}", "/{name}/versions/{version}", "/{name}/labels/{label}")
_METHODS = {"classify": CLASSIFY, "regress": REGRESS}


@dataclass(frozen=True)
class RestLimits:
    """How much is worked on at the same time, and for how long."""

    requests: int
    timeout_s: float


def rest_router(core: Core, limits: RestLimits) -> APIRouter:
    """Return the routes under ``/v1/models``."""
    router = APIRouter(prefix="/v1/models", tags=["models"])
    methods = RestMethods(core, limits)
    for place in _PLACES:
        _add(router, "GET", place, methods.status)
        _add(router, "GET", f"{place}/metadata", methods.metadata)
        _add(router, "POST", f"{place}:predict", methods.predict)
        _add(router, "POST", f"{place}:classify", methods.classify)
        _add(router, "POST", f"{place}:regress", methods.regress)
    return router


def handle_errors(app: FastAPI) -> None:
    """Answer every error in TensorFlow Serving's form."""
    app.add_exception_handler(ServingError, _on_serving_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ServiceError, _on_problem)


def read_choice(request: Request) -> Choice:
    """Return what a path names.

    Raises:
        InvalidArgumentError: It is malformed.
    """
    name, version, label = (request.path_params.get(part) for part in ("name", "version", "label"))
    if name is None or ":" in name or ":" in (label or ""):
        raise _malformed(request)
    if version is None:
        return Choice(name, label=label)
    if not (version.isascii() and version.isdecimal()):
        raise _malformed(request)
    if len(version) > _VERSION_DIGITS:
        raise InvalidArgumentError(f"Failed to convert version: {version} to numeric.")
    return Choice(name, int(version))


Chosen = Annotated[Choice, Depends(read_choice)]


class RestMethods:
    """What each route answers."""

    def __init__(self, core: Core, limits: RestLimits) -> None:
        self._core = core
        self._timeout_s = limits.timeout_s
        self._budget = ByteBudget()
        self._free = asyncio.Semaphore(limits.requests)

    async def status(self, choice: Chosen) -> Response:
        """The state of each version, or of the one that is named"""
        with self._core.metrics.measure("rest", "status"):
            statuses = self._core.models.statuses(choice)
        return _json({"model_version_status": [_encode(status) for status in statuses]})

    async def metadata(self, choice: Chosen) -> Response:
        """The signatures of a version"""
        with self._core.metrics.measure("rest", "metadata"), self._core.models.lease(choice) as servable:
            return Response(metadata_json(servable), media_type="application/json")

    async def predict(self, request: Request, choice: Chosen) -> Response:
        """Outputs of the newest version, or of the one that is named"""
        async with self._within_limits(request) as body, self._free:
            answer = await self._core.predict("rest", choice, RestPredict(body))
        return Response(answer, media_type="application/json")

    async def classify(self, request: Request, choice: Chosen) -> Response:
        """Classes of tf.Example; not implemented"""
        return await self._refuse("classify", request, choice)

    async def regress(self, request: Request, choice: Chosen) -> Response:
        """Values of tf.Example; not implemented"""
        return await self._refuse("regress", request, choice)

    async def _refuse(self, method: str, request: Request, choice: Choice) -> Response:
        with self._core.metrics.measure("rest", method):
            async with self._within_limits(request) as body:
                signature = check_examples(parse_json(body, _MAX_EXAMPLE_VALUES), method)
            with self._core.models.lease(choice) as servable:
                refuse(servable.signature_defs.signature_def, signature, _METHODS[method])

    @asynccontextmanager
    async def _within_limits(self, request: Request) -> AsyncIterator[bytes]:
        """Read the body, and hold its share of the memory for the block; both together take no longer than they may.

        Raises:
            ServingError: The time is over, or the requests in flight hold all that they may.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                with self._budget.share() as share:
                    body = bytearray()
                    async for piece in request.stream():
                        share.add(len(piece))
                        body += piece
                    yield bytes(body)
        except TimeoutError as error:
            raise DeadlineError(f"Timed out after {self._timeout_s:g} s") from error


def _add(router: APIRouter, verb: str, path: str, method: Callable[..., Awaitable[Response]]) -> None:
    parts = [
        {"name": part, "in": "path", "required": True, "schema": {"type": "string"}}
        for part in re.findall(r"{(\w+)}", path)
    ]
    router.add_api_route(
        path,
        method,
        methods=[verb],
        summary=method.__doc__,
        response_class=Response,
        openapi_extra={"parameters": parts},
    )


def _encode(status: VersionStatus) -> dict[str, object]:
    return {
        "version": str(status.version),
        "state": status.state.name,
        "status": {"error_code": status.code.name, "error_message": status.message},
    }


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status, media_type="application/json")


def _malformed(request: Request) -> InvalidArgumentError:
    return InvalidArgumentError(f"Malformed request: {request.method} {request.url.path}")


async def _on_serving_error(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    assert isinstance(error, ServingError)
    return _json({"error": str(error)}, http_status(error.code))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if request.url.path.startswith("/v1/"):
        return await _on_serving_error(request, _malformed(request))
    return _json({"error": f"{error.detail}: {request.method} {request.url.path[:MESSAGE_LIMIT]}"}, error.status_code)


async def _on_problem(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    assert isinstance(error, ServiceError)
    return _json({"error": error.problem.detail}, error.problem.kind.status)
