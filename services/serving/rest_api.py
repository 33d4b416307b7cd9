"""The REST interface, with errors in TensorFlow Serving's form: ``{"error": "…"}``."""

import json

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from services.runtime.problems import ProblemError
from services.serving.errors import InvalidArgumentError, ServingError, http_status
from services.serving.metrics import CallMetrics
from services.serving.model import Model, VersionStatus
from services.serving.rest_json import parse_request, to_arrays, to_json
from services.serving.servable import Servable
from services.serving.workers import Workers

_VERSION_DIGITS = 18
"""As many as always fit 64 bits."""


def rest_router(model: Model, workers: Workers, metrics: CallMetrics) -> APIRouter:
    """Return the routes under ``/v1/models``."""
    router = APIRouter(prefix="/v1/models", tags=["models"])

    @router.get("/{name}", summary="The state of each version")
    @router.get("/{name}/versions/{version}", summary="The state of one version")
    async def status(request: Request, name: str, version: str | None = None) -> Response:
        if ":" in name:
            raise _malformed(request)
        with metrics.measure("rest", "status"):
            statuses = model.statuses(name, _number(request, version))
        return _json({"model_version_status": [_encode(status) for status in statuses]})

    @router.post("/{name}:predict", summary="Outputs of the newest version")
    @router.post("/{name}/versions/{version}:predict", summary="Outputs of one version")
    async def predict(request: Request, name: str, version: str | None = None) -> Response:
        body = await request.body()
        with metrics.measure("rest", "predict"):
            servable = model.find(name, _number(request, version))
            answer = await workers.run(_predict, servable, body)
        return Response(answer, media_type="application/json")

    return router


def handle_errors(app: FastAPI) -> None:
    """Answer every error in TensorFlow Serving's form."""
    app.add_exception_handler(ServingError, _on_serving_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ProblemError, _on_problem)


def _predict(servable: Servable, body: bytes) -> str:
    request = parse_request(body)
    if request.signature_name and request.signature_name not in servable.signatures:
        # REST calls this an invalid argument, gRPC a failed precondition.
        raise InvalidArgumentError(f'Serving signature name: "{request.signature_name}" not found in signature def')
    signature = servable.signature(request.signature_name)
    return to_json(servable.run(signature, to_arrays(request, signature)), request.by_row)


def _encode(status: VersionStatus) -> dict[str, object]:
    return {
        "version": str(status.version),
        "state": status.state.name,
        "status": {"error_code": status.code.name, "error_message": status.message},
    }


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status, media_type="application/json")


def _number(request: Request, version: str | None) -> int | None:
    if version is None:
        return None
    if not (version.isascii() and version.isdecimal()):
        raise _malformed(request)
    if len(version) > _VERSION_DIGITS:
        raise InvalidArgumentError(f"Failed to convert version: {version} to numeric.")
    return int(version)


def _malformed(request: Request) -> InvalidArgumentError:
    return InvalidArgumentError(f"Malformed request: {request.method} {request.url.path}")


async def _on_serving_error(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    assert isinstance(error, ServingError)
    return _json({"error": str(error)}, http_status(error.code))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if request.url.path.startswith("/v1/"):
        return await _on_serving_error(request, _malformed(request))
    return _json({"error": f"{error.detail}: {request.method} {request.url.path}"}, error.status_code)


async def _on_problem(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    assert isinstance(error, ProblemError)
    return _json({"error": error.problem.detail}, error.problem.kind.status)
