"""The publisher against servers that don't do their part; what it writes is tested with the whole process."""

import socket
import time

import pytest

from services.capture.publishing import PublishError
from services.capture.redis_publisher import TIMEOUT_S, RedisPublisher
from services.contracts.frames import FrameMessage
from tests.redis_server import RedisServer

MESSAGE = FrameMessage(b"\xff\xd8", 1, 2, 3, 4, 5)


def test_a_redis_that_is_not_there_fails_at_once(redis_server: RedisServer) -> None:
    redis_server.stop()
    publisher = RedisPublisher(redis_server.url)
    started = time.monotonic()
    with pytest.raises(PublishError, match="refused"):
        publisher.publish("cam0", MESSAGE)
    assert time.monotonic() - started < 0.5
    publisher.close()


def test_a_redis_that_is_silent_fails_within_its_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        publisher = RedisPublisher(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        started = time.monotonic()
        with pytest.raises(PublishError, match="Timeout"):
            publisher.publish("cam0", MESSAGE)
        assert time.monotonic() - started < TIMEOUT_S + 1
        publisher.close()


def test_a_refused_password_is_an_error_that_keeps_it(redis_server: RedisServer) -> None:
    publisher = RedisPublisher(redis_server.url.replace("redis://", "redis://user:hunter2@"))
    with pytest.raises(PublishError) as caught:
        publisher.ping()
    assert "hunter2" not in str(caught.value)
    publisher.close()


def test_a_redis_that_was_restarted_takes_the_next_frame(redis_server: RedisServer) -> None:
    publisher = RedisPublisher(redis_server.url)
    publisher.publish("cam0", MESSAGE)
    redis_server.stop()
    redis_server.start()
    publisher.publish("cam0", MESSAGE)
    publisher.close()
