"""``POST /detect``: read the request, separate heavy images from light ones, and map errors to problems."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.requests import ClientDisconnect

from services.contracts.detection import (
    DETECT_PATH,
    FALLBACK_PARAMETER,
    IMAGE_MEDIA_TYPES,
    MAX_ROIS,
    REFERENCE_HEADER,
    REQUEST_TIMEOUT_HEADER,
    ROI_PARAMETER,
)
from services.contracts.geometry import parse_roi
from services.contracts.messages import MalformedMessageError
from services.contracts.problems import ProblemKind, ServiceError
from services.detector.health import DetectorMetrics
from services.detector.options import DetectOptions, decode_reference
from services.detector.pool import DetectorPool, QueueFullError, QueueTimeoutError
from services.detector.worker_process import WorkerEndedError
from services.runtime.images import ImageFormat, ImageTooLargeError, InvalidImageError, read_header
from services.runtime.limits import ConcurrencyLimit
from services.runtime.openapi import BODY_PROBLEMS, Document, add_problems
from services.runtime.request_body import require_media_type

MAX_REQUEST_TIMEOUT_MS = 3_600_000

MAX_LIGHT_JPEG_BYTES = 4 * 1024 * 1024
"""Frames of cameras are shorter. The headers of longer files aren't read here: that would block the event loop."""

MAX_LIGHT_SCANNED_PIXELS = 20_000_000
"""Pixels times scans of a JPEG: a frame of 4K has 8.3 million and one scan. Decoding takes up to 0.3 s."""

MAX_LIGHT_PNG_BYTES = 64 * 1024
"""These may inflate to 64 MB, in 0.2 s; the size of longer ones is known after decoding only."""

MAX_LIGHT_WEBP_BYTES = 1024 * 1024
MAX_LIGHT_WEBP_PIXELS = 4_000_000


def is_heavy(image: bytes, pixel_limit: int) -> bool:
    """Return whether an image may take longer to process than a camera's frame.

    This takes less than 1.5 ms, and 23 µs for an ordinary frame.

    Args:
        image: A JPEG, PNG or WebP file.
        pixel_limit: Most pixels that it may have.

    Raises:
        InvalidImageError: It is none of these, or malformed; long files aren't checked.
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


_PROBLEMS = (*BODY_PROBLEMS, ProblemKind.INVALID_PARAMETER, ProblemKind.INVALID_IMAGE, ProblemKind.IMAGE_TOO_LARGE)
_IMAGE = {"schema": {"type": "string", "format": "binary"}}


@dataclass(frozen=True)
class DetectorState:
    """What the route uses; ``app.state.detector``.

    Attributes:
        pool: The worker processes.
        metrics: Counts images and faces.
        pixel_limit: Most pixels that an image may have.
        requests: Bounds the concurrent requests, so that waiting bodies can't fill the memory.
    """

    pool: DetectorPool
    metrics: DetectorMetrics
    pixel_limit: int
    requests: ConcurrencyLimit


def _state(request: Request) -> DetectorState:
    state: DetectorState = request.app.state.detector
    return state


State = Annotated[DetectorState, Depends(_state)]


async def _limit_requests(state: State) -> AsyncIterator[None]:
    with state.requests.slot():
        yield


def detect_options(
    rois: Annotated[list[str] | None, Query(alias=ROI_PARAMETER)] = None,
    fallback: Annotated[Literal["full", "none"], Query(alias=FALLBACK_PARAMETER)] = "full",
    reference: Annotated[str | None, Header(alias=REFERENCE_HEADER)] = None,
) -> DetectOptions:
    """Read which part of the image is searched.

    Raises:
        ServiceError: 422, a parameter is malformed.
    """
    given = rois or []
    if len(given) > MAX_ROIS:
        raise ServiceError(
            ProblemKind.INVALID_PARAMETER, f"{ROI_PARAMETER} may be given {MAX_ROIS} times, got {len(given)}"
        )
    try:
        regions = tuple(parse_roi(text) for text in given)
        if reference is None:
            return DetectOptions(regions, fallback_full=fallback == "full")
        return DetectOptions(regions, incremental=True, reference=decode_reference(reference) if reference else None)
    except MalformedMessageError as error:
        raise ServiceError(ProblemKind.INVALID_PARAMETER, str(error)) from error


router = APIRouter(dependencies=[Depends(_limit_requests)])


@router.post(DETECT_PATH, summary="Find the faces of an image")
async def detect(
    request: Request,
    state: State,
    options: Annotated[DetectOptions, Depends(detect_options)],
    timeout_ms: Annotated[int | None, Header(alias=REQUEST_TIMEOUT_HEADER, ge=0, le=MAX_REQUEST_TIMEOUT_MS)] = None,
) -> Response:
    """Answer with the faces; of several, the first is the surest."""
    deadline_s = None if timeout_ms is None else time.monotonic() + timeout_ms / 1e3
    require_media_type(request.headers, IMAGE_MEDIA_TYPES)
    body = await request.body()
    if not body:
        raise ServiceError(ProblemKind.INVALID_IMAGE, "The body is empty")
    if await request.is_disconnected():
        raise ClientDisconnect  # gave up while the body waited to be read
    try:
        reply = await state.pool.detect(body, options, deadline_s, heavy=is_heavy(body, state.pixel_limit))
    except InvalidImageError as error:
        raise ServiceError(ProblemKind.INVALID_IMAGE, str(error)) from error
    except ImageTooLargeError as error:
        raise ServiceError(ProblemKind.IMAGE_TOO_LARGE, str(error)) from error
    except QueueFullError as error:
        raise ServiceError(ProblemKind.OVERLOADED, "Every worker is busy and the queue is full") from error
    except QueueTimeoutError as error:
        raise ServiceError(ProblemKind.OVERLOADED, "No worker became free in time") from error
    except WorkerEndedError as error:
        raise ServiceError(ProblemKind.OVERLOADED, "The worker ended before it had finished the image") from error
    state.metrics.observe(reply)
    return Response(reply.body, media_type="application/json")


def describe_detection(document: Document) -> None:
    """Document the body, the answer and the problems of ``POST /detect``."""
    operation = document["paths"][DETECT_PATH]["post"]
    operation["requestBody"] = {"required": True, "content": dict.fromkeys(IMAGE_MEDIA_TYPES, _IMAGE)}
    add_problems(operation, _PROBLEMS)
