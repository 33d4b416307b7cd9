"""Decodes the gateway's responses: a result, or the exception for a problem."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import httpx

from emotion_client.errors import ProblemError, UnexpectedResponseError, problem_error
from emotion_client.requests import RequestSpec
from emotion_client.results import CameraFrame, FeedStatus, LiveResult, Readiness, ServiceState
from emotion_client.transport import redact_url
from services.contracts.cameras import CameraList, CameraView
from services.contracts.live import LiveFields
from services.contracts.messages import Identifier, MalformedMessageError, decode_json
from services.contracts.prediction import Prediction
from services.contracts.problems import PROBLEM_MEDIA_TYPE, ProblemKind
from services.contracts.text import MAX_TEXT_CHARS, replace_unprintable
from services.contracts.video import TrackedPrediction

T = TypeVar("T")

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
        members = _decode_body(response, lambda body: decode_json("problem", body, dict[str, Any]))
    except UnexpectedResponseError as error:
        return error
    return problem_error(members, response.status_code, parse_retry_after(response.headers))


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return ``Retry-After`` in seconds; None if it is missing or a date, which the gateway never sends."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None


def prediction(response: httpx.Response) -> Prediction:
    """Decode the response of ``/predict``."""
    return _decode_body(response, Prediction.from_json)


def cameras(response: httpx.Response) -> tuple[CameraView, ...]:
    """Decode the response of ``/cameras``."""
    return _decode_body(response, CameraList.from_json).cameras


def services(response: httpx.Response) -> dict[str, ServiceState]:
    """Decode the response of ``/services``."""
    return _decode_body(response, lambda body: _sanitized(decode_json("services", body, _Services).services))


def readiness(response: httpx.Response) -> Readiness:
    """Decode the response of ``/readyz``."""
    decoded = _decode_body(response, lambda body: decode_json("readiness", body, _Readiness))
    return Readiness(decoded.status, _sanitized(decoded.dependencies))


def frame(response: httpx.Response) -> CameraFrame:
    """Decode the response of ``/cameras/{id}/frame.jpg``."""
    try:
        return decode_frame(response.content, response.headers)
    except MalformedMessageError as error:
        raise UnexpectedResponseError(f"{redact_url(response.url)}: {error}") from error


def decode_message(message: bytes | str, decode: Callable[[bytes | str], T]) -> T:
    """Decode a message.

    Raises:
        UnexpectedResponseError: ``decode`` rejects it.
    """
    try:
        return decode(message)
    except MalformedMessageError as error:
        raise UnexpectedResponseError(f"can't be decoded: {str(error)[:_MAX_REASON]}") from error


def decode_live_result(body: bytes | str) -> LiveResult:
    """Decode a result of a feed; unknown fields are ignored.

    Raises:
        MalformedMessageError: It isn't JSON, or a field is missing or invalid.
    """
    fields = LiveFields.from_json(body)
    return LiveResult(Prediction.from_json(body), fields.events, fields.dropped)


def decode_tracked_response(body: bytes | str) -> TrackedPrediction | ProblemError:
    """Decode the response to one frame of a video; unknown fields are ignored.

    Raises:
        MalformedMessageError: It isn't JSON, or a field is missing or invalid.
    """
    status = decode_json("response", body, _MaybeProblem).status
    if status is None:
        return TrackedPrediction.from_json(body)
    members = decode_json("problem", body, dict[str, Any])
    default_delays_s = {kind.type: kind.retry_after_s for kind in ProblemKind}
    return problem_error(members, status, default_delays_s.get(str(members.get("type"))))


def decode_feed_status(body: bytes | str) -> FeedStatus:
    """Decode a status of a feed.

    Raises:
        MalformedMessageError: It isn't JSON, or a field is missing or invalid.
    """
    status = decode_json("feed status", body, _Status)
    problem = status.problem or _ProblemText()
    return FeedStatus(status.state, replace_unprintable(problem.detail or problem.title))


def decode_frame(jpeg: bytes, headers: Mapping[str, str]) -> CameraFrame:
    """Decode a camera's frame and its headers.

    Raises:
        MalformedMessageError: A header is missing or invalid.
    """
    try:
        frame_id, age_ms = headers["X-Frame-Id"], float(headers["X-Frame-Age-Ms"])
    except (KeyError, ValueError):
        raise MalformedMessageError("frame: X-Frame-Id or X-Frame-Age-Ms is missing or invalid") from None
    if len(frame_id) > MAX_TEXT_CHARS or not frame_id.isprintable() or not math.isfinite(age_ms):
        raise MalformedMessageError("frame: X-Frame-Id or X-Frame-Age-Ms is invalid")
    return CameraFrame(jpeg, frame_id, age_ms)


@dataclass(frozen=True)
class _MaybeProblem:
    status: int | None = None


@dataclass(frozen=True)
class _ProblemText:
    detail: str = ""
    title: str = ""


@dataclass(frozen=True)
class _Status:
    state: Identifier
    problem: _ProblemText | None = None


@dataclass(frozen=True)
class _Services:
    services: dict[str, ServiceState]


@dataclass(frozen=True)
class _Readiness:
    status: Identifier
    dependencies: dict[str, ServiceState]


def _sanitized(states: Mapping[str, ServiceState]) -> dict[str, ServiceState]:
    return {
        replace_unprintable(name): replace(state, detail=replace_unprintable(state.detail))
        for name, state in states.items()
    }


def _decode_body(response: httpx.Response, decode: Callable[[bytes | str], T]) -> T:
    try:
        return decode_message(response.content, decode)
    except UnexpectedResponseError as error:
        raise UnexpectedResponseError(f"{redact_url(response.url)}: {error}") from error
