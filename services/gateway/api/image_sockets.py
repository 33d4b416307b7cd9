"""``/ws/predict``: images over a WebSocket, each by itself or as the frames of one video."""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Query, WebSocket
from starlette.types import Message

from services.contracts.prediction import Prediction
from services.contracts.problems import Problem, ProblemKind, ServiceError
from services.contracts.video import FrameTime, TrackedPrediction
from services.gateway.api.feeds import GOING_AWAY
from services.gateway.api.predict import PredictLimits
from services.gateway.api.uploads import ANY_IMAGE, Caller, Moments, Uploaded
from services.gateway.dependencies import Running, RunningParts
from services.gateway.metrics import GatewayMetrics
from services.gateway.security.auth import RateLimit
from services.gateway.settings import GatewaySettings
from services.gateway.tracking.video import VideoTracker
from services.runtime.client_address import client_of
from services.runtime.connections import MessageLimits
from services.runtime.limits import ByteBudget, FairConcurrencyLimit
from services.runtime.request_context import new_request_id
from services.runtime.websocket_protocol import limit_messages

ANSWERED_ABOVE_LIMIT_BYTES = 1024 * 1024
"""A message over the limit by less gets a problem; one over it by more ends the connection with the code 1009."""

MAX_TRACKED_MESSAGES_PER_S = 400.0
"""On average, images and their times together: a time has no answer that would hold a client up."""

Track = Annotated[
    bool, Query(description="Whether the images are frames of one video: faces then have ids, and emotions events.")
]
_IDLE = 1000
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageSocketLimits:
    """What a client may do.

    Attributes:
        predict: The limits that all uploads share.
        connections: Connections at the same time.
        rate: Counts each image.
        settings: Size of a message and idle time.
        budget: Has room for all clients' messages, while they are received or worked on.
    """

    predict: PredictLimits
    connections: FairConcurrencyLimit
    rate: RateLimit
    settings: GatewaySettings
    budget: ByteBudget

    def messages(self, track: bool) -> MessageLimits:
        """Return what a client may send.

        An image is answered before the next message is read, so the number of images needs no bound.
        """
        messages_per_s = MAX_TRACKED_MESSAGES_PER_S if track else None
        return MessageLimits(self.settings.body_limit_bytes + ANSWERED_ABOVE_LIMIT_BYTES, messages_per_s)


def image_socket_router(metrics: GatewayMetrics, limits: ImageSocketLimits) -> APIRouter:
    """Return the route."""
    router = APIRouter()
    uploaded = Uploaded(metrics, limits.predict.in_flight)

    @router.websocket("/ws/predict")
    async def images(websocket: WebSocket, parts: RunningParts, track: Track = False) -> None:
        stopping = asyncio.Event()
        client = client_of(websocket)
        video = VideoTracker() if track else None
        with limits.connections.slot(client), parts.live.served(stopping.set, client):
            limit_messages(websocket, limits.messages(track), limits.budget.lease(client))
            await websocket.accept()
            while True:
                message = await _next(websocket, stopping, limits.settings.ws_idle_timeout_s)
                if message is None:
                    return
                found = await answer(websocket, parts, message, video)
                if found is not None:
                    await websocket.send_text(json.dumps(found, allow_nan=False))

    async def answer(
        websocket: WebSocket, parts: Running, message: Message, video: VideoTracker | None
    ) -> dict[str, Any] | None:
        """Return the answer to one message, or the problem; None for the time of a frame."""
        if video is None:
            return await answer_to_image(websocket, parts, message, encode=Prediction.encode)
        if (text := message.get("text")) is not None:
            return problem_with_time(video, text)
        at_s = video.next_time()
        found = await answer_to_image(
            websocket, parts, message, encode=lambda found: tracked(video, found, at_s).encode()
        )
        return {**found, "at_s": at_s}  # a problem has it too, which tells it from one of a time

    async def answer_to_image(
        websocket: WebSocket, parts: Running, message: Message, encode: Callable[[Prediction], dict[str, Any]]
    ) -> dict[str, Any]:
        request_id = new_request_id()
        try:
            await limits.rate(websocket)
            return encode(await predicted(parts, image_of(message), Caller(request_id, client_of(websocket))))
        except ServiceError as error:
            return error.problem.encode(request_id)
        except Exception:
            _log.exception("request %s failed", request_id, extra={"request_id": request_id})
            problem = Problem(ProblemKind.INTERNAL, "The failure was logged under this request id")
            return problem.encode(request_id)

    def image_of(message: Message) -> bytes:
        image: bytes | None = message.get("bytes")
        if image is None:
            raise ServiceError(ProblemKind.UNSUPPORTED_MEDIA_TYPE, "Send each image as a binary message; this was text")
        if not image:
            raise ServiceError(ProblemKind.INVALID_IMAGE, "The image is empty")
        limit = limits.settings.body_limit_bytes
        if len(image) > limit:
            detail = f"An image may have {limit:,} bytes; this has {len(image):,}"
            raise ServiceError(ProblemKind.BODY_TOO_LARGE, detail, limit_bytes=limit)
        return image

    async def predicted(parts: Running, image: bytes, caller: Caller) -> Prediction:
        came = perf_counter()
        with limits.predict.uploads.slot(caller.client):
            return await uploaded.predict(parts, image, ANY_IMAGE, caller, Moments(came, came))

    return router


def problem_with_time(video: VideoTracker, text: str) -> dict[str, Any] | None:
    """Set the time of the next frame; return a problem if the text can't be used, which changes nothing."""
    try:
        video.set_time(FrameTime.decode(text).at_s)
    except ValueError as error:
        return Problem(ProblemKind.INVALID_PARAMETER, str(error)).encode(new_request_id())
    return None


def tracked(video: VideoTracker, found: Prediction, at_s: float) -> TrackedPrediction:
    """Return the answer to a frame of a video."""
    step = video.update(found.faces, at_s)
    return TrackedPrediction(replace(found, faces=step.faces), at_s, step.events)


async def _next(websocket: WebSocket, stopping: asyncio.Event, idle_s: float) -> Message | None:
    """Return the client's next message; None once the connection is closed, by either side."""
    receiving, stopped = asyncio.create_task(websocket.receive()), asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((receiving, stopped), timeout=idle_s, return_when=asyncio.FIRST_COMPLETED)
        if receiving.done():
            message = receiving.result()
            return message if message["type"] == "websocket.receive" else None
        if stopped.done():
            await websocket.close(GOING_AWAY, "the service stops")
        else:
            await websocket.close(_IDLE, f"no image for {idle_s:g} s")
        return None
    finally:
        receiving.cancel()
        stopped.cancel()
