import json

import httpx
import pytest
from httpx_sse import ServerSentEvent

from emotion_client import (
    CameraNotFoundError,
    Drops,
    FeedStatus,
    UnavailableError,
    UnexpectedResponseError,
    UnreachableError,
)
from emotion_client.errors import problem_error
from emotion_client.event_stream import EventStream
from emotion_client.retry import Backoff, no_jitter
from services.contracts.problems import Problem, ProblemKind
from tests.support.gateway_responses import BEGAN, URL, answered, live, problem

LOST = httpx.RemoteProtocolError("peer closed the connection")
GONE = problem_error(Problem(ProblemKind.NO_FRESH_FRAME, "none").encode(""), 503, 5.0)


class Feed:
    """A stream and the statuses that its caller received."""

    def __init__(self) -> None:
        self.statuses: list[FeedStatus] = []
        backoff = Backoff(1.0, 30.0, no_jitter)
        self.stream = EventStream("cam0", None, URL, self.statuses.append, backoff)

    def connect(self) -> "Feed":
        self.stream.check_response(answered(httpx.Response(200)))
        return self


def result(frame_id: str) -> ServerSentEvent:
    return ServerSentEvent("result", json.dumps(live(frame_id, BEGAN, detect=2)), frame_id)


def test_stream_resumes_after_its_last_result() -> None:
    stream = Feed().connect().stream
    live_result = stream.handle(result("17-0"))
    assert live_result is not None
    assert (live_result.events, live_result.dropped) == ((BEGAN,), Drops(2, 0, 0))
    assert live_result.prediction.faces[0].face_id == "a1"
    assert stream.request().headers["Last-Event-ID"] == "17-0"


def test_heartbeats_and_unknown_events_are_ignored() -> None:
    feed = Feed().connect()
    assert feed.stream.handle(ServerSentEvent("", "", "17-0")) is None
    assert feed.stream.handle(ServerSentEvent("weather", "{}")) is None
    assert feed.statuses == []


def test_status_is_passed_to_the_caller() -> None:
    feed = Feed().connect()
    gone = Problem(ProblemKind.NO_FRESH_FRAME, "the camera is silent").encode("5f3a")
    for state, problem_ in (("problem", gone), ("ok", None)):
        data = json.dumps({"event": "status", "camera": "cam0", "state": state, "problem": problem_})
        assert feed.stream.handle(ServerSentEvent("status", data)) is None
    assert feed.statuses == [FeedStatus("problem", "the camera is silent"), FeedStatus("ok")]


def test_delays_grow_until_a_result_arrives() -> None:
    stream = Feed().connect().stream
    assert [stream.reconnect_delay_s(LOST), stream.reconnect_delay_s(None)] == [1.0, 2.0]
    stream.handle(result("17-0"))
    assert stream.reconnect_delay_s(LOST) == 1.0


def test_lost_connection_is_a_status() -> None:
    feed = Feed().connect()
    feed.stream.reconnect_delay_s(LOST)
    feed.stream.reconnect_delay_s(None)
    assert [status.state for status in feed.statuses] == ["lost", "lost"]
    assert "peer closed" in feed.statuses[0].detail


def test_gateway_sets_the_delay() -> None:
    stream = Feed().connect().stream
    assert stream.reconnect_delay_s(GONE) == 5.0
    stream.handle(ServerSentEvent("", "", retry=300))
    stream.handle(result("17-0"))
    assert stream.reconnect_delay_s(None) == 0.3


def test_failed_first_connection_is_an_error() -> None:
    with pytest.raises(UnreachableError):
        Feed().stream.reconnect_delay_s(httpx.ConnectError("refused"))
    with pytest.raises(UnavailableError):
        Feed().stream.reconnect_delay_s(GONE)


def test_rejected_reconnect_is_an_error() -> None:
    feed = Feed().connect()
    with pytest.raises(CameraNotFoundError):
        feed.stream.check_response(problem(ProblemKind.CAMERA_NOT_FOUND))
    not_found = problem_error(Problem(ProblemKind.CAMERA_NOT_FOUND, "").encode(""), 404)
    with pytest.raises(CameraNotFoundError):
        feed.stream.reconnect_delay_s(not_found)


@pytest.mark.parametrize("data", ["hello", "[]", "{}"])
def test_invalid_event_is_an_error(data: str) -> None:
    feed = Feed().connect()
    with pytest.raises(UnexpectedResponseError) as raised:
        feed.stream.handle(ServerSentEvent("result", data))
    with pytest.raises(UnexpectedResponseError):
        feed.stream.reconnect_delay_s(raised.value)
