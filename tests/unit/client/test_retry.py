import httpx
import pytest

from emotion_client import (
    EmotionError,
    ImageError,
    RateLimitedError,
    UnavailableError,
    UnexpectedResponseError,
    UnreachableError,
)
from emotion_client.requests import CAMERAS_REQUEST
from emotion_client.retry import Backoff, RetryPolicy, no_jitter
from services.contracts.problems import ProblemKind
from tests.support.gateway_responses import URL, answered, ok, problem

LOST = httpx.ReadError("connection reset")


def policy(retries: int = 2, timeout_s: float = 10.0) -> RetryPolicy:
    return RetryPolicy(CAMERAS_REQUEST, URL, timeout_s, retries, now_s=100.0)


def test_success_is_not_repeated() -> None:
    assert policy().delay_after_response(ok({}), 100.0) is None


def test_failed_connection_is_repeated_with_growing_delays() -> None:
    attempts = policy(retries=3)
    assert [attempts.delay_after_failure(LOST, 100.0) for _ in range(3)] == [0.25, 0.5, 1.0]
    with pytest.raises(UnreachableError, match=r"http://gateway.test: connection reset") as raised:
        attempts.delay_after_failure(LOST, 100.0)
    assert raised.value.__cause__ is LOST


def test_503_is_repeated_after_retry_after() -> None:
    assert policy().delay_after_response(problem(ProblemKind.NO_CAMERA), 100.0) == 2.0


def test_no_delay_goes_beyond_the_deadline() -> None:
    with pytest.raises(UnavailableError):
        policy().delay_after_response(problem(ProblemKind.NO_CAMERA), 108.5)
    with pytest.raises(UnreachableError):
        policy().delay_after_failure(LOST, 109.9)


def test_failures_and_503_share_one_retry_count() -> None:
    attempts = policy(retries=1)
    attempts.delay_after_failure(LOST, 100.0)
    with pytest.raises(UnavailableError):
        attempts.delay_after_response(problem(ProblemKind.OVERLOADED), 100.0)


@pytest.mark.parametrize("kind", [kind for kind in ProblemKind if kind.status != 503])
def test_other_problems_are_not_repeated(kind: ProblemKind) -> None:
    with pytest.raises(EmotionError):
        policy().delay_after_response(problem(kind), 100.0)


def test_rate_limit_and_invalid_image_have_their_exceptions() -> None:
    with pytest.raises(RateLimitedError):
        policy().delay_after_response(problem(ProblemKind.RATE_LIMITED), 100.0)
    with pytest.raises(ImageError):
        policy().delay_after_response(problem(ProblemKind.INVALID_IMAGE), 100.0)


def test_503_without_problem_details_is_not_repeated() -> None:
    with pytest.raises(UnexpectedResponseError):
        policy().delay_after_response(answered(httpx.Response(503, headers={"Retry-After": "1"}, text="proxy")), 100.0)


def test_too_many_redirects_are_not_repeated() -> None:
    with pytest.raises(UnreachableError):
        policy().delay_after_failure(httpx.TooManyRedirects("round"), 100.0)


def test_timeout_is_named() -> None:
    with pytest.raises(UnreachableError, match="timed out"):
        policy(retries=0).delay_after_failure(httpx.ReadTimeout(""), 100.0)


def test_attempt_has_the_remaining_time() -> None:
    assert policy().remaining_s(104.0) == 6.0
    assert policy().remaining_s(200.0) > 0


def test_backoff_doubles_to_its_maximum_and_resets() -> None:
    backoff = Backoff(1.0, 30.0, no_jitter)
    assert [backoff.next_delay_s() for _ in range(7)] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    backoff.reset()
    assert backoff.next_delay_s() == 1.0


def test_server_sets_the_initial_delay_below_the_maximum() -> None:
    backoff = Backoff(1.0, 30.0, no_jitter)
    backoff.initial_s = 0.5
    assert [backoff.next_delay_s(), backoff.next_delay_s(), backoff.next_delay_s(at_least_s=5.0)] == [0.5, 1.0, 5.0]
    backoff.initial_s = 1e9
    assert backoff.next_delay_s(at_least_s=1e9) == 30.0


def test_backoff_has_jitter() -> None:
    assert 0.5 <= Backoff(1.0).next_delay_s() <= 1.0
    assert Backoff(1.0, jitter=lambda shortest_s, _: shortest_s).next_delay_s() == 0.5
