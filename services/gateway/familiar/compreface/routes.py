"""``POST /api/v1/detection/detect``."""

from time import perf_counter

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile

from services.gateway.familiar.asking import Asking
from services.gateway.familiar.compreface.answers import PATH, detection, no_face, no_file, refused, wanted
from services.gateway.familiar.compreface.asked import read_detect
from services.gateway.familiar.reading import UnreadableError, read_base64, read_object
from services.gateway.familiar.shapes import RefusedError
from services.gateway.running import RunningParts
from services.gateway.uploads import FORM_MEDIA_TYPE, parse_form
from services.runtime.request_body import require_media_type

_JSON = "application/json"


def compreface_router(asking: Asking) -> APIRouter:
    """Return the route."""
    router = APIRouter(tags=["familiar"])

    @router.post(PATH, summary="As CompreFace's face detection", dependencies=[Depends(asking.limits.uploads)])
    async def detect(request: Request, parts: RunningParts) -> Response:
        started = perf_counter()
        try:
            asked = read_detect(request.query_params)
            image = await _image(request)
        except UnreadableError as error:
            raise RefusedError(refused(str(error))) from error
        found = await asking.predict(request, parts, image, started)
        if not wanted(found, asked):
            raise RefusedError(no_face())
        return JSONResponse(detection(found, asked))

    return router


async def _image(request: Request) -> bytes:
    media_type = require_media_type(request.headers, (FORM_MEDIA_TYPE, _JSON))
    if media_type == FORM_MEDIA_TYPE:
        form = await parse_form(request)
        try:
            file = form.get("file")
            image = await file.read() if isinstance(file, UploadFile) else b""
        finally:
            await form.close()
    else:
        image = _from_json(await request.body())
    if not image:
        raise RefusedError(no_file())
    return image


def _from_json(body: bytes) -> bytes:
    given = read_object(body).get("file", "")
    if not isinstance(given, str):
        raise UnreadableError("file must be base64 in a string")
    return read_base64(given)
