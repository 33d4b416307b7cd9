"""Reads the gateway's answers: a result, or the exception that stands for the problem."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx

from emotion_client.errors import ProblemError, UnexpectedAnswerError, problem_error
from emotion_client.requests import Ask
from emotion_client.results import CameraFrame, FeedStatus, LiveResult, Readiness, ServiceState
from emotion_client.transport import shown_url
from services.contracts.cameras import CameraList, CameraView
from services.contracts.live import Drops, EmotionEvent
from services.contracts.messages import (
    MalformedMessageError,
    explained,
    finite,
    natural,
    printable,
    several,
    shown,
    text,
    truth,
)
from services.contracts.prediction import Prediction, decode_prediction
from services.contracts.problems import PROBLEM_MEDIA_TYPE

_MAX_EVENTS = 10_000
"""Most events of one result; it carries those of the results that were left out before it, too."""


def decode_live_result(answer: Mapping[str, Any]) -> LiveResult:
    """Read a result of a feed; fields it doesn't know are ignored.

    Raises:
        MalformedMessageError: A field is missing or can't be read.
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
        MalformedMessageError: A field is missing or can't be read.
    """
    try:
        problem = answer.get("problem") or {}
        return FeedStatus(text(answer["state"]), shown(problem.get("detail") or problem.get("title") or ""))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise explained("feed status", error) from None


def decode_services(services: Mapping[str, Any]) -> dict[str, ServiceState]:
    """Read the state of each service.

    Raises:
        MalformedMessageError: A field is missing or can't be read.
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
        MalformedMessageError: A header is missing or can't be read.
    """
    try:
        return CameraFrame(jpeg, text(headers["X-Frame-Id"]), finite(float(headers["X-Frame-Age-Ms"])))
    except MalformedMessageError as error:
        raise explained("frame", error) from None
    except (KeyError, ValueError):
        raise MalformedMessageError("frame: X-Frame-Id or X-Frame-Age-Ms is missing or can't be read") from None


T = TypeVar("T")

MAX_REASON = 300
"""Most characters of why an answer can't be read: the reason may repeat the answer."""


def refusal(response: httpx.Response, ask: Ask) -> ProblemError | UnexpectedAnswerError | None:
    """Return why a response, which was read whole, is no answer; None if it is one."""
    if response.status_code == 200 or response.status_code in ask.accepts:
        return None
    if response.headers.get("Content-Type", "").partition(";")[0].strip() != PROBLEM_MEDIA_TYPE:
        return UnexpectedAnswerError(
            f"{shown_url(response.url)} answered with status {response.status_code} and without a problem: "
            "is it the gateway?"
        )
    try:
        members = _object(response)
    except UnexpectedAnswerError as error:
        return error
    return problem_error(members, response.status_code, retry_after(response.headers))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks to wait for; the gateway never gives a date."""
    given = headers.get("Retry-After", "")
    return float(given) if given.isascii() and given.isdigit() else None


def prediction(response: httpx.Response) -> Prediction:
    """Read ``/predict``."""
    return _read(response, decode_prediction)


def cameras(response: httpx.Response) -> tuple[CameraView, ...]:
    """Read ``/cameras``."""
    return _read(response, CameraList.decode).cameras


def services(response: httpx.Response) -> dict[str, ServiceState]:
    """Read ``/services``."""
    return _read(response, lambda answer: decode_services(_member(answer, "services")))


def readiness(response: httpx.Response) -> Readiness:
    """Read ``/readyz``."""
    return _read(
        response,
        lambda answer: Readiness(text(_member(answer, "status")), decode_services(_member(answer, "dependencies"))),
    )


def frame(response: httpx.Response) -> CameraFrame:
    """Read ``/cameras/{id}/frame.jpg``."""
    try:
        return decode_frame(response.content, response.headers)
    except MalformedMessageError as error:
        raise UnexpectedAnswerError(f"{shown_url(response.url)}: {error}") from error


def parsed(given: str, decode: Callable[[Mapping[str, Any]], T]) -> T:
    """Read a JSON object.

    Raises:
        UnexpectedAnswerError: It is none, or can't be decoded.
    """
    try:
        answer = json.loads(given)
        if not isinstance(answer, dict):
            raise MalformedMessageError("not an object")
        return decode(answer)
    except RecursionError as error:
        raise UnexpectedAnswerError("can't be read: it is nested too deeply") from error
    except ValueError as error:
        raise UnexpectedAnswerError(f"can't be read: {str(error)[:MAX_REASON]}") from error


def _member(answer: Mapping[str, Any], name: str) -> Any:
    if name not in answer:
        raise MalformedMessageError(f"{name!r} is missing")
    return answer[name]


def _object(response: httpx.Response) -> Mapping[str, Any]:
    return _read(response, lambda answer: answer)


def _read(response: httpx.Response, decode: Callable[[Mapping[str, Any]], T]) -> T:
    try:
        return parsed(response.content.decode(), decode)
    except (UnexpectedAnswerError, UnicodeError) as error:
        raise UnexpectedAnswerError(f"{shown_url(response.url)}: {error}") from error
