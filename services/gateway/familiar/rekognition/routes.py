"""``POST /`` with ``X-Amz-Target: RekognitionService.DetectFaces``."""

import json
from time import perf_counter

from fastapi import APIRouter, Depends, Request, Response

from services.gateway.familiar.asking import Asking
from services.gateway.familiar.reading import UnreadableError, read_object
from services.gateway.familiar.rekognition.answers import face_details
from services.gateway.familiar.rekognition.asked import read_detect_faces
from services.gateway.familiar.rekognition.errors import MEDIA_TYPE, PATH, REQUEST_ID_HEADER, error
from services.gateway.familiar.shapes import RefusedError
from services.gateway.running import RunningParts
from services.runtime.request_body import require_media_type

_OPERATION = "RekognitionService.DetectFaces"


def rekognition_router(asking: Asking) -> APIRouter:
    """Return the route."""
    router = APIRouter(tags=["familiar"])

    @router.post(PATH, summary="As Amazon Rekognition's DetectFaces", dependencies=[Depends(asking.limits.uploads)])
    async def detect_faces(request: Request, parts: RunningParts) -> Response:
        started = perf_counter()
        target = request.headers.get("X-Amz-Target", "")
        if target != _OPERATION:
            message = f"X-Amz-Target must be {_OPERATION}, the only operation here; got {target[:100]!r}"
            raise RefusedError(error(400, "UnknownOperationException", message))
        require_media_type(request.headers, (MEDIA_TYPE, "application/json"))
        try:
            members = read_object(await request.body())
        except UnreadableError as unreadable:
            raise RefusedError(error(400, "SerializationException", str(unreadable))) from unreadable
        asked = read_detect_faces(members)
        found = await asking.predict(request, parts, asked.image, started)
        body = json.dumps(face_details(found, asked.emotions), allow_nan=False)
        return Response(body, headers={REQUEST_ID_HEADER: request.state.request_id}, media_type=MEDIA_TYPE)

    return router
