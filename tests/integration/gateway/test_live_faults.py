"""What viewers hear while Redis or the camera is gone, over real sockets; results come back by themselves."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time

import redis

from services.contracts.cameras import CAMERAS_KEY, CameraState, CameraStatus, status_key
from services.contracts.frames import FRAMES_KEPT, FrameMessage, frames_key
from tests import pictures
from tests.integration.gateway.conftest import Stack
from tests.integration.gateway.followers import Event, another_gateway, events
from tests.redis_server import RedisServer
from tests.waiting import PATIENCE_S

STATUS = CameraStatus(CameraState.ONLINE, "test", 20.0, 1280, 720, 100, 0, 0, "")


@contextmanager
def camera(url: str) -> Iterator[None]:
    """Publish a face twenty times a second, through whatever happens to Redis."""
    jpeg = pictures.encode(pictures.one_face())
    stop, published = threading.Event(), threading.Event()

    def publish() -> None:
        client = redis.Redis.from_url(url, protocol=2, driver_info=None, socket_timeout=1)
        seq = 0
        while not stop.wait(0.05):
            seq += 1
            message = FrameMessage(jpeg, round(time() * 1e6), 1000, 1280, 720, seq)
            try:
                client.zadd(CAMERAS_KEY, {"cam0": time()})
                client.hset(status_key("cam0"), mapping=dict(STATUS.encode().items()))
                client.xadd(frames_key("cam0"), dict(message.encode().items()), maxlen=FRAMES_KEPT, approximate=False)
            except redis.RedisError:
                continue
            published.set()
        client.close()

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        assert published.wait(PATIENCE_S)
        yield
    finally:
        stop.set()
        thread.join()


def until_result(feed: Iterator[Event]) -> Event:
    return next(event for event in feed if event.event == "result" and event.data["faces"])


def until_problem(feed: Iterator[Event], slug: str) -> Event:
    """Return the status that tells of a problem; others may come before on a busy machine."""
    return next(
        event
        for event in feed
        if event.event == "status" and (event.data["problem"] or {}).get("type") == f"urn:emotion:problem:{slug}"
    )


def test_viewers_stay_and_hear_what_is_wrong_until_it_is_right_again(
    stack: Stack, redis_server: RedisServer, tmp_path: Path
) -> None:
    settings = {"EMOTION_GATEWAY_REDIS_URL": redis_server.url}
    with another_gateway(stack, tmp_path, settings) as (_, client):
        with camera(redis_server.url), events(client) as feed:
            until_result(feed)
            redis_server.stop()
            assert until_problem(feed, "dependency-unavailable").data["problem"]["dependency"] == "redis"
            redis_server.start()
            until_result(feed)
        with events(client) as feed:
            until_problem(feed, "no-fresh-frame")
            with camera(redis_server.url):
                until_result(feed)
