"""``/predict``: the emotions in a camera's newest frame or in an uploaded image."""

from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from services.contracts.prediction import Prediction
from services.gateway.analysis.uploads import Caller, RequestTimer
from services.gateway.api.uploads import FORM_FIELD, FORM_MEDIA_TYPE, read_upload
from services.gateway.dependencies import AppStateDep, upload_slot
from services.runtime.client_address import client_of

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
_RESPONSES: dict[int | str, dict[str, Any]] = {200: {"model": Prediction}}

router = APIRouter(tags=["predict"])


@router.get("/predict", summary="The emotion in a camera's newest frame", responses=_RESPONSES)
async def predict_camera(
    request: Request,
    state: AppStateDep,
    camera: Annotated[str | None, Query(description="May be left out if there is one camera.")] = None,
) -> Response:
    with state.limits.in_flight.slot(client_of(request)):
        prediction = await state.camera_predictor.predict(camera, request.state.request_id, state.deadline())
    state.metrics.observe(prediction)
    return _json_response(prediction)


@router.post(
    "/predict",
    summary="The emotion in an uploaded image",
    responses=_RESPONSES,
    openapi_extra=_UPLOAD_BODY,
    dependencies=[Depends(upload_slot)],
)
async def predict_upload(request: Request, state: AppStateDep) -> Response:
    started_s = perf_counter()
    upload = await read_upload(request)
    timer = RequestTimer(started_s, perf_counter())
    return _json_response(
        await state.upload_predictor.predict(upload.data, upload.media_type, Caller.of(request), timer)
    )


def _json_response(prediction: Prediction) -> Response:
    return Response(prediction.to_json(), media_type="application/json")
