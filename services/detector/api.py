"""``POST /detect``: reads the request, tells heavy images from light ones, and maps errors to problems."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.requests import ClientDisconnect

from services.contracts.detection import DETECT_PATH, IMAGE_MEDIA_TYPES, REFERENCE_HEADER, REQUEST_TIMEOUT_HEADER
from services.contracts.geometry import Box, parse_roi
from services.contracts.messages import MalformedMessageError
from services.contracts.problems import ProblemKind, ServiceError
from services.detector.health import DetectorMetrics
from services.detector.options import Where, decode_overview
from services.detector.pool import DetectorPool, PoolFullError, WaitedTooLongError
from services.detector.worker_process import WorkerEndedError
from services.runtime.images import ImageFormat, ImageTooLargeError, InvalidImageError, read_header
from services.runtime.limits import ConcurrencyLimit
from services.runtime.openapi import BODY_PROBLEMS, Document, add_problems
from services.runtime.request_body import require_media_type

MAX_LIGHT_JPEG_BYTES = 4 * 1024 * 1024
"""A frame of a camera is shorter. Longer files aren't read through here: that would hold up the event loop."""

MAX_LIGHT_SCANNED_PIXELS = 20_000_000
"""Pixels times scans of a JPEG: a frame of 4K has 8.3 million and one scan. Decoding takes up to 0.3 s."""

MAX_LIGHT_PNG_BYTES = 64 * 1024
"""These may inflate to 64 MB, in 0.2 s; of a longer file only the decoder finds out."""

MAX_LIGHT_WEBP_BYTES = 1024 * 1024
MAX_LIGHT_WEBP_PIXELS = 4_000_000


def is_heavy(image: bytes, pixel_limit: int) -> bool:
    """Tell whether working on an image may take longer than on a frame of a camera.

    It takes less than a millisecond and a half, and 23 µs for an ordinary frame.

    Args:
        image: A JPEG, PNG or WebP file.
        pixel_limit: Most pixels it may have.

    Raises:
        InvalidImageError: It is none of these, or malformed; long files aren't looked at.
        ImageTooLargeError: It has too many pixels or scans, likewise.
    """
    if len(image) > MAX_LIGHT_JPEG_BYTES:
        return True
    header = read_header(image, pixel_limit)
    pixels = header.width * header.height
    if header.format is ImageFormat.JPEG:
        return pixels * header.scans > MAX_LIGHT_SCANNED_PIXELS
    if header.format is ImageFormat.PNG:
        return len(image) > MAX_LIGHT_PNG_BYTES
    return pixels > MAX_LIGHT_WEBP_PIXELS or len(image) > MAX_LIGHT_WEBP_BYTES


MAX_HINTS = 32
MAX_PATIENCE_MS = 3_600_000


def detect_router(pool: DetectorPool, metrics: DetectorMetrics, pixel_limit: int) -> APIRouter:
    """Return the route."""
    router = APIRouter(dependencies=[Depends(ConcurrencyLimit(pool.capacity))])

    @router.post(DETECT_PATH, summary="Find the faces of an image")
    async def detect(
        request: Request,
        near: Annotated[list[str] | None, Query()] = None,
        elsewhere: bool = True,
        overview: Annotated[str | None, Header(alias=REFERENCE_HEADER)] = None,
        patience_ms: Annotated[int | None, Header(alias=REQUEST_TIMEOUT_HEADER, ge=0, le=MAX_PATIENCE_MS)] = None,
    ) -> Response:
        done_by_s = None if patience_ms is None else time.monotonic() + patience_ms / 1e3
        require_media_type(request.headers, IMAGE_MEDIA_TYPES)
        where = _where(near or [], elsewhere, overview)
        body = await request.body()
        if not body:
            raise ServiceError(ProblemKind.INVALID_IMAGE, "The body is empty")
        if await request.is_disconnected():
            raise ClientDisconnect  # gave up while the body waited to be read
        try:
            answer = await pool.detect(body, where, done_by_s, heavy=is_heavy(body, pixel_limit))
        except InvalidImageError as error:
            raise ServiceError(ProblemKind.INVALID_IMAGE, str(error)) from error
        except ImageTooLargeError as error:
            raise ServiceError(ProblemKind.IMAGE_TOO_LARGE, str(error)) from error
        except PoolFullError as error:
            raise ServiceError(ProblemKind.OVERLOADED, "Every worker is busy and too many images wait") from error
        except WaitedTooLongError as error:
            raise ServiceError(ProblemKind.OVERLOADED, "No worker came free in time") from error
        except WorkerEndedError as error:
            raise ServiceError(ProblemKind.OVERLOADED, "The worker ended before it had finished the image") from error
        metrics.observe(answer)
        return Response(answer.body, media_type="application/json")

    return router


def _where(near: list[str], elsewhere: bool, overview: str | None) -> Where:
    hints = _hints(near)
    if overview is None:
        return Where(hints, elsewhere)
    try:
        return Where(hints, follows=True, before=decode_overview(overview) if overview else None)
    except MalformedMessageError as error:
        raise ServiceError(ProblemKind.INVALID_PARAMETER, str(error)) from error


def _hints(near: list[str]) -> list[Box]:
    if len(near) > MAX_HINTS:
        raise ServiceError(ProblemKind.INVALID_PARAMETER, f"near may be given {MAX_HINTS} times, got {len(near)}")
    try:
        return [parse_roi(text) for text in near]
    except MalformedMessageError as error:
        raise ServiceError(ProblemKind.INVALID_PARAMETER, str(error)) from error


_PROBLEMS = (*BODY_PROBLEMS, ProblemKind.INVALID_PARAMETER, ProblemKind.INVALID_IMAGE, ProblemKind.IMAGE_TOO_LARGE)
_IMAGE = {"schema": {"type": "string", "format": "binary"}}


def describe_detection(document: Document) -> None:
    """Document the body, the answer and the problems of ``POST /detect``."""
    operation = document["paths"][DETECT_PATH]["post"]
    operation["requestBody"] = {"required": True, "content": dict.fromkeys(IMAGE_MEDIA_TYPES, _IMAGE)}
    add_problems(operation, _PROBLEMS)
