"""``POST /analyze``."""

import asyncio
from time import perf_counter

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile

from services.gateway.familiar.asking import Asking
from services.gateway.familiar.deepface.answers import PATH, analysis, no_face, refused
from services.gateway.familiar.deepface.asked import Analyze, read_analyze
from services.gateway.familiar.reading import UnreadableError, read_form, read_object
from services.gateway.familiar.shapes import RefusedError
from services.gateway.running import RunningParts
from services.gateway.uploads import FORM_MEDIA_TYPE, parse_form
from services.runtime.request_body import require_media_type

_JSON, _URL_ENCODED = "application/json", "application/x-www-form-urlencoded"


def deepface_router(asking: Asking, body_limit_bytes: int) -> APIRouter:
    """Return the route."""
    router = APIRouter(tags=["familiar"])

    @router.post(PATH, summary="As DeepFace's API", dependencies=[Depends(asking.limits.uploads)])
    async def analyze(request: Request, parts: RunningParts) -> Response:
        started = perf_counter()
        asked = await _read(request, body_limit_bytes)
        found = await asking.predict(request, parts, asked.image, started)
        if not found.faces and asked.enforce_detection:
            raise RefusedError(no_face())
        return JSONResponse(analysis(found))

    return router


async def _read(request: Request, body_limit_bytes: int) -> Analyze:
    media_type = require_media_type(request.headers, (_JSON, FORM_MEDIA_TYPE, _URL_ENCODED))
    try:
        if media_type == FORM_MEDIA_TYPE:
            return await _from_form(request, body_limit_bytes)
        if media_type == _URL_ENCODED:
            # Beside the event loop: unquoting takes long for its size.
            return read_analyze(await asyncio.to_thread(read_form, await request.body()), None)
        return read_analyze(read_object(await request.body()), None)
    except UnreadableError as error:
        raise RefusedError(refused(str(error))) from error


async def _from_form(request: Request, body_limit_bytes: int) -> Analyze:
    form = await parse_form(request, body_limit_bytes)
    try:
        file = form.get("img")
        image = await file.read() if isinstance(file, UploadFile) else None
        return read_analyze({name: text for name, text in form.items() if isinstance(text, str)}, image)
    finally:
        await form.close()
