"""Reads the results that the gateway's contracts don't name."""

from collections.abc import Mapping
from typing import Any

from emotion_client.results import CameraFrame, FeedStatus, LiveResult, ServiceState
from services.contracts.live import Drops, EmotionEvent
from services.contracts.messages import (
    MalformedMessage,
    explained,
    finite,
    natural,
    printable,
    several,
    shown,
    text,
    truth,
)
from services.contracts.prediction import decode_prediction

_MAX_EVENTS = 10_000
"""Most events of one result; it carries those of the results that were left out before it, too."""


def decode_live_result(answer: Mapping[str, Any]) -> LiveResult:
    """Read a result of a feed; fields it doesn't know are ignored.

    Raises:
        MalformedMessage: A field is missing or can't be read.
    """
    try:
        dropped = answer["dropped"]
        return LiveResult(
            prediction=decode_prediction(answer),
            events=several(EmotionEvent.decode, answer["events"], _MAX_EVENTS),
            dropped=Drops(*(natural(dropped[place]) for place in ("detect", "infer", "viewer"))),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise explained("live result", error) from None


def decode_feed_status(answer: Mapping[str, Any]) -> FeedStatus:
    """Read a change of a feed's state.

    Raises:
        MalformedMessage: A field is missing or can't be read.
    """
    try:
        problem = answer.get("problem") or {}
        return FeedStatus(text(answer["state"]), shown(problem.get("detail") or problem.get("title") or ""))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise explained("feed status", error) from None


def decode_services(services: Mapping[str, Any]) -> dict[str, ServiceState]:
    """Read the state of each service.

    Raises:
        MalformedMessage: A field is missing or can't be read.
    """
    try:
        return {
            printable(name): ServiceState(truth(state["ok"]), truth(state["required"]), shown(state["detail"]))
            for name, state in services.items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise explained("services", error) from None


def decode_frame(jpeg: bytes, headers: Mapping[str, str]) -> CameraFrame:
    """Read a frame's answer.

    Raises:
        MalformedMessage: A header is missing or can't be read.
    """
    try:
        return CameraFrame(jpeg, text(headers["X-Frame-Id"]), finite(float(headers["X-Frame-Age-Ms"])))
    except MalformedMessage as error:
        raise explained("frame", error) from None
    except (KeyError, ValueError):
        raise MalformedMessage("frame: X-Frame-Id or X-Frame-Age-Ms is missing or can't be read") from None
