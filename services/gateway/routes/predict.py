"""``/predict``: the emotion of a camera's newest frame, or of an uploaded image."""

import json
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from services.contracts.prediction import CameraSource, Prediction, UploadSource
from services.gateway.answer import prediction
from services.gateway.metrics import GatewayMetrics
from services.gateway.running import RunningParts
from services.gateway.uploads import FORM_FIELD, FORM_MEDIA_TYPE, read_upload

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


def predict_router(metrics: GatewayMetrics) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["predict"])

    @router.get("/predict", summary="The emotion in a camera's newest frame", responses=_ANSWER)
    async def predict_camera(
        request: Request,
        parts: RunningParts,
        camera: Annotated[str | None, Query(description="May be left out where there is one camera.")] = None,
    ) -> Response:
        started = perf_counter()
        chosen = await parts.frames.choose(camera)
        frame = await parts.frames.newest(chosen)
        read = perf_counter()
        request_id = request.state.request_id
        analysis = await parts.analyses.of_frame(chosen, frame, request_id)
        source = CameraSource(chosen, frame.frame_id, frame.captured_at(), frame.age_ms())
        frame_ms, total_ms = (read - started) * 1e3, (perf_counter() - started) * 1e3
        return _answer(prediction(request_id, source, analysis, frame_ms, total_ms), metrics)

    @router.post("/predict", summary="The emotion in an uploaded image", responses=_ANSWER, openapi_extra=_UPLOAD_BODY)
    async def predict_upload(request: Request, parts: RunningParts) -> Response:
        started = perf_counter()
        upload = await read_upload(request)
        read = perf_counter()
        request_id = request.state.request_id
        analysis = await parts.pipeline.analyse(upload.data, upload.media_type, request_id)
        frame_ms, total_ms = (read - started) * 1e3, (perf_counter() - started) * 1e3
        return _answer(prediction(request_id, UploadSource(), analysis, frame_ms, total_ms), metrics)

    return router


def _answer(answer: Prediction, metrics: GatewayMetrics) -> Response:
    metrics.observe(answer)
    return Response(json.dumps(answer.encode(), allow_nan=False), media_type="application/json")
