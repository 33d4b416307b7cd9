import httpx
import pytest

from emotion_client import (
    EmotionError,
    ImageError,
    RateLimitedError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
)
from emotion_client.requests import ASK_CAMERAS
from emotion_client.retry import Backoff, Patience
from services.contracts.problems import ProblemKind
from tests.support.gateway_responses import URL, answered, ok, problem

LOST = httpx.ReadError("connection reset")


def patience(retries: int = 2, deadline_s: float = 10.0) -> Patience:
    return Patience(ASK_CAMERAS, URL, deadline_s, retries, now_s=100.0)


def test_an_answer_ends_it() -> None:
    assert patience().after_answer(ok({}), 100.0) is None


def test_a_lost_connection_is_made_anew_with_growing_pauses_until_tries_are_spent() -> None:
    tried = patience(retries=3)
    assert [tried.after_failure(LOST, 100.0) for _ in range(3)] == [0.25, 0.5, 1.0]
    with pytest.raises(UnreachableError, match=r"http://gateway.test: connection reset") as raised:
        tried.after_failure(LOST, 100.0)
    assert raised.value.__cause__ is LOST


def test_503_waits_for_as_long_as_it_says() -> None:
    assert patience().after_answer(problem(ProblemKind.NO_CAMERA), 100.0) == 2.0


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    with pytest.raises(UnavailableError):
        patience().after_answer(problem(ProblemKind.NO_CAMERA), 108.5)
    with pytest.raises(UnreachableError):
        patience().after_failure(LOST, 109.9)


def test_tries_of_both_kinds_are_counted_together() -> None:
    tried = patience(retries=1)
    tried.after_failure(LOST, 100.0)
    with pytest.raises(UnavailableError):
        tried.after_answer(problem(ProblemKind.OVERLOADED), 100.0)


@pytest.mark.parametrize("kind", [kind for kind in ProblemKind if kind.status != 503])
def test_no_other_problem_is_asked_again(kind: ProblemKind) -> None:
    with pytest.raises(EmotionError):
        patience().after_answer(problem(kind), 100.0)


def test_neither_a_rate_limit_nor_a_bad_image_is_asked_again() -> None:
    with pytest.raises(RateLimitedError):
        patience().after_answer(problem(ProblemKind.RATE_LIMITED), 100.0)
    with pytest.raises(ImageError):
        patience().after_answer(problem(ProblemKind.INVALID_IMAGE), 100.0)


def test_a_503_of_something_else_is_not_asked_again() -> None:
    with pytest.raises(UnexpectedAnswerError):
        patience().after_answer(answered(httpx.Response(503, headers={"Retry-After": "1"}, text="proxy")), 100.0)


def test_what_is_no_matter_of_the_connection_is_not_tried_again() -> None:
    with pytest.raises(UnreachableError):
        patience().after_failure(httpx.TooManyRedirects("round"), 100.0)


def test_a_timeout_is_told_in_words() -> None:
    with pytest.raises(UnreachableError, match="no answer in time"):
        patience(retries=0).after_failure(httpx.ReadTimeout(""), 100.0)


def test_a_try_gets_what_is_left() -> None:
    assert patience().seconds_left(104.0) == 6.0
    assert patience().seconds_left(200.0) > 0


def test_pauses_between_connections_grow_to_a_bound_and_begin_again() -> None:
    backoff = Backoff(1.0, 30.0, random=lambda _, most: most)
    assert [backoff.pause_s() for _ in range(7)] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    backoff.succeeded()
    assert backoff.pause_s() == 1.0


def test_the_server_sets_the_first_pause_within_the_bound() -> None:
    backoff = Backoff(1.0, 30.0, random=lambda _, most: most)
    backoff.begin_with(0.5)
    assert [backoff.pause_s(), backoff.pause_s(), backoff.pause_s(at_least_s=5.0)] == [0.5, 1.0, 5.0]
    backoff.begin_with(1e9)
    assert backoff.pause_s(at_least_s=1e9) == 30.0


def test_clients_come_back_at_different_times() -> None:
    assert 0.5 <= Backoff(1.0).pause_s() <= 1.0
    assert Backoff(1.0, random=lambda least, _: least).pause_s() == 0.5
