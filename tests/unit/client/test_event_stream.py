import json

import httpx
import pytest
from httpx_sse import ServerSentEvent

from emotion_client import (
    CameraNotFoundError,
    Drops,
    FeedStatus,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
)
from emotion_client.errors import problem_error
from emotion_client.event_stream import Following
from emotion_client.retry import Backoff
from services.contracts.problems import Problem, ProblemKind
from tests.support.gateway_responses import BEGAN, URL, answered, live, problem

LOST = httpx.RemoteProtocolError("peer closed the connection")
GONE = problem_error(Problem(ProblemKind.NO_FRESH_FRAME, "none").encode(""), 503, 5.0)


class Feed:
    """A place in a feed, and what its caller was told."""

    def __init__(self) -> None:
        self.told: list[FeedStatus] = []
        backoff = Backoff(1.0, 30.0, random=lambda _, most: most)
        self.following = Following("cam0", None, URL, self.told.append, backoff)

    def opened(self) -> "Feed":
        self.following.opened(answered(httpx.Response(200)))
        return self


def result(frame_id: str) -> ServerSentEvent:
    return ServerSentEvent("result", json.dumps(live(frame_id, BEGAN, detect=2)), frame_id)


def test_a_result_is_typed_and_remembered() -> None:
    following = Feed().opened().following
    seen = following.result(result("17-0"))
    assert seen is not None
    assert (seen.events, seen.dropped) == ((BEGAN,), Drops(2, 0, 0))
    assert seen.prediction.faces[0].face_id == "a1"
    assert following.ask().headers["Last-Event-ID"] == "17-0"


def test_a_sign_of_life_and_unknown_events_are_passed_over() -> None:
    feed = Feed().opened()
    assert feed.following.result(ServerSentEvent("", "", "17-0")) is None
    assert feed.following.result(ServerSentEvent("weather", "{}")) is None
    assert feed.told == []


def test_a_status_is_told() -> None:
    feed = Feed().opened()
    gone = Problem(ProblemKind.NO_FRESH_FRAME, "the camera is silent").encode("5f3a")
    for state, why in (("problem", gone), ("ok", None)):
        data = json.dumps({"event": "status", "camera": "cam0", "state": state, "problem": why})
        assert feed.following.result(ServerSentEvent("status", data)) is None
    assert feed.told == [FeedStatus("problem", "the camera is silent"), FeedStatus("ok")]


def test_pauses_grow_while_nothing_comes_and_begin_again_after_a_result() -> None:
    following = Feed().opened().following
    assert [following.pause_after(LOST), following.pause_after(None)] == [1.0, 2.0]
    following.result(result("17-0"))
    assert following.pause_after(LOST) == 1.0


def test_a_lost_connection_is_told() -> None:
    feed = Feed().opened()
    feed.following.pause_after(LOST)
    feed.following.pause_after(None)
    assert [status.state for status in feed.told] == ["lost", "lost"]
    assert "peer closed" in feed.told[0].detail


def test_the_gateway_says_when_to_come_back() -> None:
    following = Feed().opened().following
    assert following.pause_after(GONE) == 5.0
    following.result(ServerSentEvent("", "", retry=300))
    following.result(result("17-0"))
    assert following.pause_after(None) == 0.3


def test_the_first_connection_must_come_about() -> None:
    with pytest.raises(UnreachableError):
        Feed().following.pause_after(httpx.ConnectError("refused"))
    with pytest.raises(UnavailableError):
        Feed().following.pause_after(GONE)


def test_a_refusal_ends_it_later_too() -> None:
    feed = Feed().opened()
    with pytest.raises(CameraNotFoundError):
        feed.following.opened(problem(ProblemKind.CAMERA_NOT_FOUND))
    not_found = problem_error(Problem(ProblemKind.CAMERA_NOT_FOUND, "").encode(""), 404)
    with pytest.raises(CameraNotFoundError):
        feed.following.pause_after(not_found)


@pytest.mark.parametrize("data", ["hello", "[]", "{}"])
def test_what_cannot_be_read_ends_it(data: str) -> None:
    feed = Feed().opened()
    with pytest.raises(UnexpectedAnswerError) as raised:
        feed.following.result(ServerSentEvent("result", data))
    with pytest.raises(UnexpectedAnswerError):
        feed.following.pause_after(raised.value)
