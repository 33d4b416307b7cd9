import httpx
import pytest

from emotion_client import CameraNotFoundError, UnexpectedAnswerError, responses
from emotion_client.requests import ASK_CAMERAS, ASK_READINESS
from emotion_client.results import ServiceState
from services.contracts.problems import ProblemKind
from tests.support.gateway_responses import answered, face, ok, prediction, problem


def test_a_prediction_is_typed() -> None:
    given = prediction(face())
    assert responses.prediction(ok(given.encode())) == given


def test_a_problem_is_an_exception() -> None:
    error = responses.refusal(problem(ProblemKind.CAMERA_NOT_FOUND), ASK_CAMERAS)
    assert isinstance(error, CameraNotFoundError)
    assert error.retry_after is None


def test_retry_after_is_read() -> None:
    error = responses.refusal(problem(ProblemKind.NO_CAMERA), ASK_CAMERAS)
    assert getattr(error, "retry_after", None) == 2.0


@pytest.mark.parametrize("given", ["", "soon", "-1", "²", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_retry_after_that_is_no_number_is_none(given: str) -> None:
    assert responses.retry_after({"Retry-After": given}) is None


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(404, html="<h1>Not Found</h1>"),
        httpx.Response(302, headers={"Location": "/login"}),
        httpx.Response(500, headers={"Content-Type": "application/problem+json"}, content=b"[]"),
        httpx.Response(204),
    ],
)
def test_what_no_gateway_answers_is_unexpected(response: httpx.Response) -> None:
    assert isinstance(responses.refusal(answered(response), ASK_CAMERAS), UnexpectedAnswerError)


@pytest.mark.parametrize("content", [b"", b"hello", b"[]", b"{}", b"\xff", b'{"cameras": [{}]}'])
def test_an_answer_that_cannot_be_read_is_unexpected(content: bytes) -> None:
    with pytest.raises(UnexpectedAnswerError, match=r"gateway\.test"):
        responses.cameras(answered(httpx.Response(200, content=content)))


def test_being_unready_is_an_answer() -> None:
    dependency = {"ok": False, "required": True, "detail": "no answer", "since": "yesterday"}
    told = httpx.Response(503, json={"status": "unready", "dependencies": {"model": dependency}})
    response = answered(told)
    assert responses.refusal(response, ASK_READINESS) is None
    readiness = responses.readiness(response)
    assert readiness.status == "unready"
    assert readiness.dependencies == {"model": ServiceState(False, True, "no answer")}


def test_a_frame_has_its_id_and_age() -> None:
    headers = {"X-Frame-Id": "17-0", "X-Frame-Age-Ms": "41.2"}
    frame = responses.frame(answered(httpx.Response(200, headers=headers, content=b"jpeg")))
    assert (frame.jpeg, frame.frame_id, frame.age_ms) == (b"jpeg", "17-0", 41.2)
    with pytest.raises(UnexpectedAnswerError, match="X-Frame-Id"):
        responses.frame(answered(httpx.Response(200, content=b"jpeg")))
