import json
from dataclasses import asdict

import httpx
import pytest

from emotion_client import CameraNotFoundError, UnexpectedResponseError, responses
from emotion_client.errors import ProblemError, RateLimitedError
from emotion_client.requests import CAMERAS_REQUEST, READINESS_REQUEST
from emotion_client.results import ServiceState
from services.contracts.problems import Problem, ProblemKind
from services.contracts.video import TrackedPrediction
from tests.support.gateway_responses import BEGAN, answered, face, ok, prediction, problem


def test_prediction_is_decoded() -> None:
    given = prediction(face())
    assert responses.prediction(ok(given.to_json())) == given


def test_problem_is_an_exception() -> None:
    error = responses.response_error(problem(ProblemKind.CAMERA_NOT_FOUND), CAMERAS_REQUEST)
    assert isinstance(error, CameraNotFoundError)
    assert error.retry_after is None


def test_retry_after_is_decoded() -> None:
    error = responses.response_error(problem(ProblemKind.NO_CAMERA), CAMERAS_REQUEST)
    assert getattr(error, "retry_after", None) == 2.0


@pytest.mark.parametrize("given", ["", "soon", "-1", "²", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_invalid_retry_after_is_ignored(given: str) -> None:
    assert responses.parse_retry_after({"Retry-After": given}) is None


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(404, html="<h1>Not Found</h1>"),
        httpx.Response(302, headers={"Location": "/login"}),
        httpx.Response(500, headers={"Content-Type": "application/problem+json"}, content=b"[]"),
        httpx.Response(204),
    ],
)
def test_response_without_problem_details_is_unexpected(response: httpx.Response) -> None:
    assert isinstance(responses.response_error(answered(response), CAMERAS_REQUEST), UnexpectedResponseError)


@pytest.mark.parametrize("content", [b"", b"hello", b"[]", b"{}", b"\xff", b'{"cameras": [{}]}'])
def test_invalid_body_is_unexpected(content: bytes) -> None:
    with pytest.raises(UnexpectedResponseError, match=r"gateway\.test"):
        responses.cameras(answered(httpx.Response(200, content=content)))


def test_unready_is_a_result() -> None:
    dependency = {"ok": False, "required": True, "detail": "no answer", "since": "yesterday"}
    unready = httpx.Response(503, json={"status": "unready", "dependencies": {"model": dependency}})
    response = answered(unready)
    assert responses.response_error(response, READINESS_REQUEST) is None
    readiness = responses.readiness(response)
    assert readiness.status == "unready"
    assert readiness.dependencies == {"model": ServiceState(False, True, "no answer")}


def test_frame_has_its_id_and_age() -> None:
    headers = {"X-Frame-Id": "17-0", "X-Frame-Age-Ms": "41.2"}
    frame = responses.frame(answered(httpx.Response(200, headers=headers, content=b"jpeg")))
    assert (frame.jpeg, frame.frame_id, frame.age_ms) == (b"jpeg", "17-0", 41.2)
    with pytest.raises(UnexpectedResponseError, match="X-Frame-Id"):
        responses.frame(answered(httpx.Response(200, content=b"jpeg")))


def test_frame_of_a_video_has_events_and_its_time() -> None:
    expected = prediction(face(face_id="a1"))
    body = {**expected.to_dict(), "events": [asdict(BEGAN)], "at_s": 1.25}
    assert responses.decode_tracked_response(json.dumps(body)) == TrackedPrediction(expected, 1.25, (BEGAN,))


def test_problem_of_a_video_frame_has_its_default_delay() -> None:
    error = responses.decode_tracked_response(json.dumps(Problem(ProblemKind.RATE_LIMITED, "too fast").encode("5f3a")))
    assert isinstance(error, ProblemError)
    assert (type(error), error.retry_after) == (RateLimitedError, 1)
