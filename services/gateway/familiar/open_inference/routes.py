"""``/v2``: the model alone, for clients that bring faces of their own."""

from time import perf_counter

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers

from services.contracts.model import MODEL_NAME
from services.contracts.problems import ProblemKind
from services.gateway.familiar.asking import Asking
from services.gateway.familiar.open_inference.answers import inferred, model, refused, server
from services.gateway.familiar.open_inference.asked import read_infer
from services.gateway.familiar.reading import UnreadableError
from services.gateway.familiar.shapes import RefusedError
from services.gateway.running import Running, RunningParts
from services.runtime.app import ServiceContext
from services.runtime.client_address import client_of
from services.runtime.problems import ProblemError

_LENGTH_HEADER = "Inference-Header-Content-Length"
_MODEL = "/v2/models/{name}"
_VERSION = _MODEL + "/versions/{version}"


def open_inference_router(asking: Asking) -> APIRouter:
    """Return the routes about the model."""
    router = APIRouter(tags=["familiar"])

    @router.get("/v2", summary="Open Inference Protocol: the server")
    async def about_server() -> Response:
        return JSONResponse(server())

    @router.get(_MODEL, summary="Open Inference Protocol: the model")
    @router.get(_VERSION, include_in_schema=False)
    async def about_model(parts: RunningParts, name: str, version: str | None = None) -> Response:
        return JSONResponse(model(await _available(parts, _known(name, version))))

    @router.get(f"{_MODEL}/ready", summary="Open Inference Protocol: whether the model is there")
    @router.get(f"{_VERSION}/ready", include_in_schema=False)
    async def model_ready(parts: RunningParts, name: str, version: str | None = None) -> Response:
        await _available(parts, _known(name, version))
        return JSONResponse({"name": name, "ready": True})

    @router.post(
        f"{_MODEL}/infer", summary="Open Inference Protocol: inference", dependencies=[Depends(asking.limits.uploads)]
    )
    @router.post(f"{_VERSION}/infer", include_in_schema=False, dependencies=[Depends(asking.limits.uploads)])
    async def infer(request: Request, parts: RunningParts, name: str, version: str | None = None) -> Response:
        started, asked_version = perf_counter(), _known(name, version)
        _require_plain(request.headers)
        body = await request.body()
        try:
            asked = read_infer(body, request.headers.get(_LENGTH_HEADER))
        except UnreadableError as error:
            raise RefusedError(refused(str(error))) from error
        read = perf_counter()
        with asking.limits.in_flight.slot(client_of(request)):
            scores = await parts.pipeline.model.infer(asked.faces, parts.deadline(), asked_version)
        asking.metrics.observe_tensor(scores, perf_counter() - read, perf_counter() - started)
        answer, json_bytes = inferred(asked, scores)
        if json_bytes is None:
            return Response(answer, media_type="application/json")
        return Response(answer, headers={_LENGTH_HEADER: str(json_bytes)}, media_type="application/octet-stream")

    return router


def open_inference_health_router(context: ServiceContext) -> APIRouter:
    """Return the routes that need no key, as those of ``/healthz`` and ``/readyz``."""
    router = APIRouter(prefix="/v2/health", tags=["familiar"])

    @router.get("/live", summary="Open Inference Protocol: alive")
    async def live() -> Response:
        return JSONResponse({"live": True})

    @router.get("/ready", summary="Open Inference Protocol: ready")
    async def ready() -> Response:
        if context.shutdown.started:
            raise ProblemError(ProblemKind.STOPPING, "The gateway is stopping")
        model = (await context.readiness.states())["model"]
        if not model.ok:
            raise ProblemError(ProblemKind.DEPENDENCY_UNAVAILABLE, model.detail, dependency="model")
        return JSONResponse({"ready": True})

    return router


def _known(name: str, version: str | None) -> int | None:
    """Return the version as a number, where the names can be those of a model at all."""
    if name != MODEL_NAME:
        raise ProblemError(ProblemKind.NOT_FOUND, f"The only model here is {MODEL_NAME!r}")
    if version is None:
        return None
    if not (version.isascii() and version.isdecimal() and len(version) <= 18):
        raise ProblemError(ProblemKind.NOT_FOUND, "Versions are numbers")
    return int(version)


async def _available(parts: Running, version: int | None) -> tuple[int, ...]:
    """Return the versions that are available.

    Raises:
        ProblemError: There is none, or not that one.
    """
    versions = await parts.pipeline.model.versions()
    if not versions:
        raise ProblemError(ProblemKind.DEPENDENCY_UNAVAILABLE, "No version of the model is available")
    if version is not None and version not in versions:
        raise ProblemError(ProblemKind.NOT_FOUND, f"The model has no version {version}")
    return versions


def _require_plain(headers: Headers) -> None:
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(ProblemKind.UNSUPPORTED_MEDIA_TYPE, "Send the body uncompressed")
