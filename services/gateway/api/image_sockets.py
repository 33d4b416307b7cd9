"""``/ws/predict``: images over a WebSocket, each on its own or as the frames of one video."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, WebSocket
from starlette.types import Message

from services.contracts.messages import encode_json
from services.contracts.prediction import Prediction
from services.contracts.problems import Problem, ProblemKind, ServiceError
from services.contracts.video import FrameTime, TrackedPrediction
from services.gateway.analysis.uploads import Caller, RequestTimer
from services.gateway.api.feeds import GOING_AWAY
from services.gateway.api.uploads import ANY_IMAGE
from services.gateway.dependencies import AppState, AppStateDep
from services.gateway.settings import GatewaySettings
from services.gateway.tracking.video import VideoTracker
from services.runtime.client_address import client_of
from services.runtime.connections import MessageLimits
from services.runtime.request_context import new_request_id
from services.runtime.websocket_protocol import limit_messages

ANSWERED_ABOVE_LIMIT_BYTES = 1024 * 1024
"""A message that exceeds the limit by less gets a problem; one that exceeds it by more closes the connection (1009)."""

MAX_TRACKED_MESSAGES_PER_S = 400.0
"""Images and times together, on average. Times need a limit because they aren't answered."""

Track = Annotated[
    bool, Query(description="Whether the images are frames of one video: faces then have ids, and emotions events.")
]
_NORMAL_CLOSURE = 1000
_log = logging.getLogger(__name__)


router = APIRouter()


@router.websocket("/ws/predict")
async def predict_images(websocket: WebSocket, state: AppStateDep, track: Track = False) -> None:
    """Answer each image with a text message, in order."""
    stopping = asyncio.Event()
    client = client_of(websocket)
    video = VideoTracker() if track else None
    with state.limits.connections.slot(client), state.live.connection(stopping.set, client):
        limit_messages(websocket, message_limits(state.settings, track), state.limits.upload_bytes.lease(client))
        await websocket.accept()
        while True:
            message = await _next_message(websocket, stopping, state.settings.ws_idle_timeout_s)
            if message is None:
                return
            answer = await _answer(websocket, state, message, video)
            if answer is not None:
                await websocket.send_text(encode_json(answer).decode())


def message_limits(settings: GatewaySettings, track: bool) -> MessageLimits:
    """Return the limits of a client's messages.

    An image is answered before the next message is read, so the number of images needs no limit.
    """
    messages_per_s = MAX_TRACKED_MESSAGES_PER_S if track else None
    return MessageLimits(settings.body_limit_bytes + ANSWERED_ABOVE_LIMIT_BYTES, messages_per_s)


async def _answer(
    websocket: WebSocket, state: AppState, message: Message, video: VideoTracker | None
) -> dict[str, Any] | None:
    """Return the answer to one message, or its problem; None for a valid time of a frame."""
    if video is None:
        return await _answer_image(websocket, state, message, encode=Prediction.to_dict)
    if (text := message.get("text")) is not None:
        return problem_with_time(video, text)
    at_s = video.next_time()
    answer = await _answer_image(
        websocket, state, message, encode=lambda prediction: track_faces(video, prediction, at_s).to_dict()
    )
    return {**answer, "at_s": at_s}  # a problem also has it: this tells it from the problem of a time


async def _answer_image(
    websocket: WebSocket, state: AppState, message: Message, encode: Callable[[Prediction], dict[str, Any]]
) -> dict[str, Any]:
    caller = Caller(new_request_id(), client_of(websocket))
    try:
        await state.message_rate(websocket)
        image = _require_image(message, state.settings.body_limit_bytes)
        with state.limits.uploads.slot(caller.client):
            prediction = await state.upload_predictor.predict(image, ANY_IMAGE, caller, RequestTimer.now())
        return encode(prediction)
    except ServiceError as error:
        return error.problem.encode(caller.request_id)
    except Exception:
        _log.exception("request %s failed", caller.request_id, extra={"request_id": caller.request_id})
        problem = Problem(ProblemKind.INTERNAL, "The failure was logged under this request id")
        return problem.encode(caller.request_id)


def _require_image(message: Message, limit_bytes: int) -> bytes:
    image: bytes | None = message.get("bytes")
    if image is None:
        raise ServiceError(ProblemKind.UNSUPPORTED_MEDIA_TYPE, "Send each image as a binary message; this was text")
    if not image:
        raise ServiceError(ProblemKind.INVALID_IMAGE, "The image is empty")
    if len(image) > limit_bytes:
        detail = f"An image may have {limit_bytes:,} bytes; this has {len(image):,}"
        raise ServiceError(ProblemKind.BODY_TOO_LARGE, detail, limit_bytes=limit_bytes)
    return image


def problem_with_time(video: VideoTracker, text: str) -> dict[str, Any] | None:
    """Set the time of the next frame; return a problem if the text can't be used, which changes nothing."""
    try:
        video.set_time(FrameTime.from_json(text).at_s)
    except ValueError as error:
        return Problem(ProblemKind.INVALID_PARAMETER, str(error)).encode(new_request_id())
    return None


def track_faces(video: VideoTracker, prediction: Prediction, at_s: float) -> TrackedPrediction:
    """Return the answer to a frame of a video."""
    update = video.update(prediction.faces, at_s)
    return TrackedPrediction(replace(prediction, faces=update.faces), at_s, update.events)


async def _next_message(websocket: WebSocket, stopping: asyncio.Event, idle_s: float) -> Message | None:
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
            await websocket.close(_NORMAL_CLOSURE, f"no image for {idle_s:g} s")
        return None
    finally:
        receiving.cancel()
        stopped.cancel()
