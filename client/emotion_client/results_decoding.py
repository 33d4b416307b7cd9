"""Reads the results that the gateway's contracts don't name."""

from collections.abc import Mapping
from typing import Any

from emotion_client.results import CameraFrame, FeedStatus, LiveResult, ServiceState
from services.contracts.live import Drops, EmotionEvent
from services.contracts.messages import MalformedMessage, finite, text, truth, whole
from services.contracts.prediction_decoding import decode_prediction


def decode_live_result(answer: Mapping[str, Any]) -> LiveResult:
    """Read a result of a feed; fields it doesn't know are ignored.

    Raises:
        MalformedMessage: A field is missing or can't be read.
    """
    try:
        dropped = answer["dropped"]
        return LiveResult(
            prediction=decode_prediction(answer),
            events=tuple(EmotionEvent.decode(event) for event in answer["events"]),
            dropped=Drops(*(whole(dropped[place]) for place in ("detect", "infer", "viewer"))),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedMessage(f"live result: {error!r}") from error


def decode_feed_status(answer: Mapping[str, Any]) -> FeedStatus:
    """Read a change of a feed's state.

    Raises:
        MalformedMessage: A field is missing or can't be read.
    """
    try:
        problem = answer.get("problem") or {}
        return FeedStatus(text(answer["state"]), str(problem.get("detail") or problem.get("title") or ""))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedMessage(f"feed status: {error!r}") from error


def decode_services(services: Mapping[str, Any]) -> dict[str, ServiceState]:
    """Read the state of each service.

    Raises:
        MalformedMessage: A field is missing or can't be read.
    """
    try:
        return {
            name: ServiceState(truth(state["ok"]), truth(state["required"]), text(state["detail"]))
            for name, state in services.items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedMessage(f"services: {error!r}") from error


def decode_frame(jpeg: bytes, headers: Mapping[str, str]) -> CameraFrame:
    """Read a frame's answer.

    Raises:
        MalformedMessage: A header is missing or can't be read.
    """
    try:
        return CameraFrame(jpeg, headers["X-Frame-Id"], finite(float(headers["X-Frame-Age-Ms"])))
    except (KeyError, ValueError) as error:
        raise MalformedMessage(f"frame: {error!r}") from error
