"""``POST /detect``."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.requests import ClientDisconnect

from services.contracts.detection import DETECT_PATH, IMAGE_MEDIA_TYPES, OVERVIEW_HEADER, PATIENCE_HEADER
from services.contracts.geometry import Box, parse_hint
from services.contracts.messages import MalformedMessage
from services.contracts.problems import ProblemKind
from services.detector.cost import is_heavy
from services.detector.metrics import DetectorMetrics
from services.detector.pool import DetectorPool, PoolFullError, WaitedTooLongError
from services.detector.where import Where, decode_overview
from services.detector.worker_process import WorkerEndedError
from services.runtime.images import ImageTooLargeError, InvalidImageError
from services.runtime.in_flight import InFlightLimit
from services.runtime.media_types import require_media_type
from services.runtime.problems import ProblemError

MAX_HINTS = 32
MAX_PATIENCE_MS = 3_600_000


def detect_router(pool: DetectorPool, metrics: DetectorMetrics, pixel_limit: int) -> APIRouter:
    """Return the route."""
    router = APIRouter(dependencies=[Depends(InFlightLimit(pool.capacity))])

    @router.post(DETECT_PATH, summary="Find the faces of an image")
    async def detect(
        request: Request,
        near: Annotated[list[str] | None, Query()] = None,
        elsewhere: bool = True,
        overview: Annotated[str | None, Header(alias=OVERVIEW_HEADER)] = None,
        patience_ms: Annotated[int | None, Header(alias=PATIENCE_HEADER, ge=0, le=MAX_PATIENCE_MS)] = None,
    ) -> Response:
        done_by_s = None if patience_ms is None else time.monotonic() + patience_ms / 1e3
        require_media_type(request.headers, IMAGE_MEDIA_TYPES)
        where = _where(near or [], elsewhere, overview)
        body = await request.body()
        if not body:
            raise ProblemError(ProblemKind.INVALID_IMAGE, "The body is empty")
        if await request.is_disconnected():
            raise ClientDisconnect  # gave up while the body waited to be read
        try:
            answer = await pool.detect(body, where, done_by_s, heavy=is_heavy(body, pixel_limit))
        except InvalidImageError as error:
            raise ProblemError(ProblemKind.INVALID_IMAGE, str(error)) from error
        except ImageTooLargeError as error:
            raise ProblemError(ProblemKind.IMAGE_TOO_LARGE, str(error)) from error
        except PoolFullError as error:
            raise ProblemError(ProblemKind.OVERLOADED, "Every worker is busy and too many images wait") from error
        except WaitedTooLongError as error:
            raise ProblemError(ProblemKind.OVERLOADED, "No worker came free in time") from error
        except WorkerEndedError as error:
            raise ProblemError(ProblemKind.OVERLOADED, "The worker ended before it had finished the image") from error
        metrics.observe(answer)
        return Response(answer.body, media_type="application/json")

    return router


def _where(near: list[str], elsewhere: bool, overview: str | None) -> Where:
    hints = _hints(near)
    if overview is None:
        return Where(hints, elsewhere)
    try:
        return Where(hints, follows=True, before=decode_overview(overview) if overview else None)
    except MalformedMessage as error:
        raise ProblemError(ProblemKind.INVALID_PARAMETER, str(error)) from error


def _hints(near: list[str]) -> list[Box]:
    if len(near) > MAX_HINTS:
        raise ProblemError(ProblemKind.INVALID_PARAMETER, f"near may be given {MAX_HINTS} times, got {len(near)}")
    try:
        return [parse_hint(text) for text in near]
    except MalformedMessage as error:
        raise ProblemError(ProblemKind.INVALID_PARAMETER, str(error)) from error
