import asyncio
from collections.abc import Callable
from contextlib import aclosing, closing
from itertools import islice

import pytest

from emotion_client import (
    AsyncEmotionClient,
    CameraNotFoundError,
    CameraSource,
    EmotionClient,
    FeedStatus,
    LiveResult,
    UnexpectedResponseError,
    UnreachableError,
)
from services.contracts.problems import ProblemKind
from tests.integration.client.conftest import Serve
from tests.integration.client.feed import RETRY_AT_ONCE, Connection, Ending, ScriptedFeed, results, status

OnStatus = Callable[[FeedStatus], None]
Follow = Callable[[str, int, OnStatus | None], list[LiveResult]]


def plainly(url: str, count: int, on_status: OnStatus | None = None) -> list[LiveResult]:
    with EmotionClient(url, "secret") as client, closing(client.stream("cam0", 5, on_status)) as feed:
        return list(islice(feed, count))


def with_await(url: str, count: int, on_status: OnStatus | None = None) -> list[LiveResult]:
    async def following() -> list[LiveResult]:
        seen = []
        async with AsyncEmotionClient(url, "secret") as client, aclosing(client.stream("cam0", 5, on_status)) as feed:
            async for result in feed:
                seen.append(result)
                if len(seen) == count:
                    break
        return seen

    return asyncio.run(following())


@pytest.fixture(params=[plainly, with_await])
def follow(request: pytest.FixtureRequest) -> Follow:
    """Follows by one of the two clients."""
    follows: Follow = request.param
    return follows


def frame_ids(seen: list[LiveResult]) -> list[str]:
    return [result.prediction.source.frame_id for result in seen if isinstance(result.prediction.source, CameraSource)]


def test_stream_resumes_after_the_last_result(serve: Serve, follow: Follow) -> None:
    feed = ScriptedFeed(
        [
            Connection(RETRY_AT_ONCE + results("1-0", "2-0") + "event: result\nid: 3-0\ndata: {", Ending.CUT),
            Connection(results("3-0")),
            Connection(problem=ProblemKind.STOPPING),
            Connection(results("4-0", "5-0", "6-0"), Ending.OPEN),
        ]
    )
    statuses: list[FeedStatus] = []
    assert frame_ids(follow(serve(feed), 5, statuses.append)) == ["1-0", "2-0", "3-0", "4-0", "5-0"]
    assert feed.last_ids == [None, "2-0", "3-0", "3-0"]
    assert feed.fps == ["5"] * 4
    assert feed.keys == ["secret"] * 4
    assert [status.state for status in statuses] == ["lost"] * 3


def test_statuses(serve: Serve, follow: Follow) -> None:
    statuses: list[FeedStatus] = []
    text = status("problem") + results("1-0") + status("ok") + results("2-0")
    follow(serve(ScriptedFeed([Connection(text, Ending.OPEN)])), 2, statuses.append)
    assert statuses == [FeedStatus("problem"), FeedStatus("ok")]


def test_unknown_camera_is_an_error(serve: Serve, follow: Follow) -> None:
    url = serve(ScriptedFeed([Connection(problem=ProblemKind.CAMERA_NOT_FOUND)]))
    with pytest.raises(CameraNotFoundError):
        follow(url, 1, None)


def test_removed_camera_is_an_error(serve: Serve, follow: Follow) -> None:
    script = [Connection(RETRY_AT_ONCE + results("1-0")), Connection(problem=ProblemKind.CAMERA_NOT_FOUND)]
    with pytest.raises(CameraNotFoundError):
        follow(serve(ScriptedFeed(script)), 2, None)


def test_response_without_events_is_an_error(serve: Serve, follow: Follow) -> None:
    url = serve(ScriptedFeed([Connection("event: result\ndata: hello\n\n")]))
    with pytest.raises(UnexpectedResponseError):
        follow(url, 1, None)


def test_unreachable_gateway_is_an_error(follow: Follow) -> None:
    with pytest.raises(UnreachableError):
        follow("http://127.0.0.1:9", 1, None)


def test_leaving_closes_the_connection(serve: Serve, follow: Follow) -> None:
    feed = ScriptedFeed([Connection(results("1-0"), Ending.OPEN)])
    url = serve(feed)  # it ends only when nobody is connected any more, or after a second
    for _ in range(2):
        assert frame_ids(follow(url, 1, None)) == ["1-0"]
