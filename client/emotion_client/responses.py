"""Decodes the gateway's responses: a result, or the exception for a problem."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx

from emotion_client.errors import ProblemError, UnexpectedResponseError, problem_error
from emotion_client.requests import RequestSpec
from emotion_client.results import CameraFrame, FeedStatus, LiveResult, Readiness, ServiceState
from emotion_client.transport import redact_url
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
from services.contracts.problems import PROBLEM_MEDIA_TYPE, ProblemKind
from services.contracts.video import TrackedPrediction, decode_tracked_prediction

T = TypeVar("T")

_MAX_EVENTS = 10_000
"""Events of one live result, including those of results that were dropped before it."""
_MAX_REASON = 300
"""Characters of a decoding error, which may quote the response."""


def response_error(response: httpx.Response, spec: RequestSpec) -> ProblemError | UnexpectedResponseError | None:
    """Return the error that a response stands for; None if it is a result. The body must have been read."""
    if response.status_code == 200 or response.status_code in spec.accepted_statuses:
        return None
    if response.headers.get("Content-Type", "").partition(";")[0].strip() != PROBLEM_MEDIA_TYPE:
        return UnexpectedResponseError(
            f"{redact_url(response.url)} responded with status {response.status_code} and no problem details; "
            "it may not be an emotion gateway"
        )
    try:
        members = _decode_body(response, lambda body: body)
    except UnexpectedResponseError as error:
        return error
    return problem_error(members, response.status_code, parse_retry_after(response.headers))


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return ``Retry-After`` in seconds; None if it is missing or a date, which the gateway never sends."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None


def prediction(response: httpx.Response) -> Prediction:
    """Decode the response of ``/predict``."""
    return _decode_body(response, decode_prediction)


def cameras(response: httpx.Response) -> tuple[CameraView, ...]:
    """Decode the response of ``/cameras``."""
    return _decode_body(response, CameraList.decode).cameras


def services(response: httpx.Response) -> dict[str, ServiceState]:
    """Decode the response of ``/services``."""
    return _decode_body(response, lambda body: decode_services(_member(body, "services")))


def readiness(response: httpx.Response) -> Readiness:
    """Decode the response of ``/readyz``."""
    return _decode_body(
        response,
        lambda body: Readiness(text(_member(body, "status")), decode_services(_member(body, "dependencies"))),
    )


def frame(response: httpx.Response) -> CameraFrame:
    """Decode the response of ``/cameras/{id}/frame.jpg``."""
    try:
        return decode_frame(response.content, response.headers)
    except MalformedMessageError as error:
        raise UnexpectedResponseError(f"{redact_url(response.url)}: {error}") from error


def decode_json(content: str, decode: Callable[[Mapping[str, Any]], T]) -> T:
    """Decode a JSON object.

    Raises:
        UnexpectedResponseError: The text isn't a JSON object, or ``decode`` rejects it.
    """
    try:
        body = json.loads(content)
        if not isinstance(body, dict):
            raise MalformedMessageError("not an object")
        return decode(body)
    except RecursionError as error:
        raise UnexpectedResponseError("can't be decoded: nested too deeply") from error
    except ValueError as error:
        raise UnexpectedResponseError(f"can't be decoded: {str(error)[:_MAX_REASON]}") from error


def decode_live_result(body: Mapping[str, Any]) -> LiveResult:
    """Decode a result of a feed; unknown fields are ignored.

    Raises:
        MalformedMessageError: A field is missing or invalid.
    """
    try:
        dropped = body["dropped"]
        return LiveResult(
            prediction=decode_prediction(body),
            events=several(EmotionEvent.decode, body["events"], _MAX_EVENTS),
            dropped=Drops(*(natural(dropped[stage]) for stage in ("detect", "infer", "viewer"))),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise explained("live result", error) from None


def decode_tracked_response(body: Mapping[str, Any]) -> TrackedPrediction | ProblemError:
    """Decode the response to one frame of a video; unknown fields are ignored.

    Raises:
        MalformedMessageError: A field is missing or invalid.
    """
    status = body.get("status")
    if not isinstance(status, int):
        return decode_tracked_prediction(body)
    default_delays_s = {kind.type: kind.retry_after_s for kind in ProblemKind}
    return problem_error(body, status, default_delays_s.get(str(body.get("type"))))


def decode_feed_status(body: Mapping[str, Any]) -> FeedStatus:
    """Decode a status of a feed.

    Raises:
        MalformedMessageError: A field is missing or invalid.
    """
    try:
        problem = body.get("problem") or {}
        return FeedStatus(text(body["state"]), shown(problem.get("detail") or problem.get("title") or ""))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise explained("feed status", error) from None


def decode_services(services: Mapping[str, Any]) -> dict[str, ServiceState]:
    """Decode the state of each service.

    Raises:
        MalformedMessageError: A field is missing or invalid.
    """
    try:
        return {
            printable(name): ServiceState(truth(state["ok"]), truth(state["required"]), shown(state["detail"]))
            for name, state in services.items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise explained("services", error) from None


def decode_frame(jpeg: bytes, headers: Mapping[str, str]) -> CameraFrame:
    """Decode a camera's frame and its headers.

    Raises:
        MalformedMessageError: A header is missing or invalid.
    """
    try:
        return CameraFrame(jpeg, text(headers["X-Frame-Id"]), finite(float(headers["X-Frame-Age-Ms"])))
    except MalformedMessageError as error:
        raise explained("frame", error) from None
    except (KeyError, ValueError):
        raise MalformedMessageError("frame: X-Frame-Id or X-Frame-Age-Ms is missing or invalid") from None


def _member(body: Mapping[str, Any], name: str) -> Any:
    if name not in body:
        raise MalformedMessageError(f"{name!r} is missing")
    return body[name]


def _decode_body(response: httpx.Response, decode: Callable[[Mapping[str, Any]], T]) -> T:
    try:
        return decode_json(response.content.decode(), decode)
    except (UnexpectedResponseError, UnicodeError) as error:
        raise UnexpectedResponseError(f"{redact_url(response.url)}: {error}") from error
