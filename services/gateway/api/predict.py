"""``/predict``: the emotion of a camera's newest frame, or of an uploaded image."""

import json
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from services.contracts.prediction import CameraSource, Prediction
from services.gateway.analysis.pipeline import Analysis, prediction
from services.gateway.api.uploads import FORM_FIELD, FORM_MEDIA_TYPE, Caller, Moments, Uploaded, read_upload
from services.gateway.dependencies import RunningParts
from services.gateway.metrics import GatewayMetrics
from services.runtime.client_address import client_of
from services.runtime.limits import FairConcurrencyLimit

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "image/jpeg": _BINARY,
            "image/png": _BINARY,
            "image/webp": _BINARY,
            "application/octet-stream": _BINARY,
            FORM_MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": [FORM_FIELD],
                    "properties": {FORM_FIELD: {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}
_ANSWER: dict[int | str, dict[str, Any]] = {200: {"model": Prediction}}


@dataclass(frozen=True)
class PredictLimits:
    """How many predictions may be under way.

    Attributes:
        in_flight: Those being worked on, of cameras and uploads together.
        uploads: Uploads from their first byte on, so that slow ones can't keep cameras from being asked.
    """

    in_flight: FairConcurrencyLimit
    uploads: FairConcurrencyLimit


def predict_router(metrics: GatewayMetrics, limits: PredictLimits) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["predict"])
    uploaded = Uploaded(metrics, limits.in_flight)

    @router.get("/predict", summary="The emotion in a camera's newest frame", responses=_ANSWER)
    async def predict_camera(
        request: Request,
        parts: RunningParts,
        camera: Annotated[str | None, Query(description="May be left out where there is one camera.")] = None,
    ) -> Response:
        started, by = perf_counter(), parts.deadline()
        with limits.in_flight.slot(client_of(request)):
            chosen = await parts.frames.choose(camera, by)
            live = parts.live.questions.fresh(chosen)
            if live is None:
                newest = await parts.frames.newest(chosen, by)
                live = await parts.live.questions.result_of(chosen, newest.frame_id, by)
            read = perf_counter()
            if live is not None:
                return _answer(request, live.source(), live.analysis, Moments(started, read), metrics)
            frame, analysis = await parts.analyses.now(chosen, newest, request.state.request_id, by)
        parts.live.questions.asked(chosen, frame.frame_id)
        source = CameraSource(chosen, frame.frame_id, frame.captured_at(), frame.age_ms())
        return _answer(request, source, analysis, Moments(started, read), metrics)

    @router.post(
        "/predict",
        summary="The emotion in an uploaded image",
        responses=_ANSWER,
        openapi_extra=_UPLOAD_BODY,
        dependencies=[Depends(limits.uploads)],
    )
    async def predict_upload(request: Request, parts: RunningParts) -> Response:
        started = perf_counter()
        upload = await read_upload(request)
        read = perf_counter()
        moments = Moments(started, read)
        found = await uploaded.predict(parts, upload.data, upload.media_type, Caller.of(request), moments)
        return _response(found)

    return router


def _answer(
    request: Request, source: CameraSource, analysis: Analysis, moments: Moments, metrics: GatewayMetrics
) -> Response:
    answer = prediction(request.state.request_id, source, analysis, *moments.until_now_ms())
    metrics.observe(answer)
    return _response(answer)


def _response(answer: Prediction) -> Response:
    return Response(json.dumps(answer.encode(), allow_nan=False), media_type="application/json")
