"""The publisher with servers that fail. The tests of the process check what it writes."""

import socket
import threading
import time
from typing import Any

import pytest
import redis

from services.capture.publisher_thread import PublishError
from services.capture.redis_publisher import TIMEOUT_S, RedisPublisher
from services.contracts.cameras import CameraState, CameraStatus
from services.contracts.frames import FrameMessage, frames_key
from services.runtime.redis_client import redis_client
from tests.support.redis_server import RedisServer

MESSAGE = FrameMessage(b"\xff\xd8", 1, 2, 3, 4, 5)


def test_unreachable_redis_fails_at_once(redis_server: RedisServer) -> None:
    redis_server.stop()
    publisher = RedisPublisher(redis_server.url)
    started = time.monotonic()
    with pytest.raises(PublishError, match="Connection refused"):
        publisher.publish("cam0", MESSAGE)
    assert time.monotonic() - started < 0.5
    publisher.close()


def test_silent_redis_fails_within_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        publisher = RedisPublisher(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        started = time.monotonic()
        with pytest.raises(PublishError, match="did not respond within 1 s"):
            publisher.publish("cam0", MESSAGE)
        assert time.monotonic() - started < TIMEOUT_S + 1
        publisher.close()


def test_rejected_password_is_an_error_without_it(redis_server: RedisServer) -> None:
    publisher = RedisPublisher(redis_server.url.replace("redis://", "redis://user:hunter2@"))
    with pytest.raises(PublishError, match="rejected the user, the password") as caught:
        publisher.ping()
    assert "hunter2" not in str(caught.value)
    publisher.close()


def test_error_of_the_server_is_not_repeated() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = threading.Thread(target=_answer, args=(server, b"-ODD \x1b]0;hush\x07 hush\r\n"), daemon=True)
        answer.start()
        publisher = RedisPublisher(f"redis://127.0.0.1:{server.getsockname()[1]}/0")
        with pytest.raises(PublishError) as caught:
            publisher.ping()
        assert str(caught.value) == "Redis rejected a command (ODD)"
        publisher.close()
        answer.join(5)


def _answer(server: socket.socket, reply: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(reply)
        connection.recv(4096)


def test_next_frame_is_published_after_a_restart_of_redis(redis_server: RedisServer) -> None:
    publisher = RedisPublisher(redis_server.url)
    publisher.publish("cam0", MESSAGE)
    redis_server.stop()
    redis_server.start()
    publisher.publish("cam0", MESSAGE)
    publisher.close()


def test_stream_with_ids_in_the_future_is_deleted(redis_server: RedisServer) -> None:
    publisher = RedisPublisher(redis_server.url)
    status = CameraStatus(CameraState.ONLINE, "demo", 30.0, 1280, 720, 1, 0, 0, "")
    with redis_client(redis_server.url, TIMEOUT_S) as client:
        ahead_ms = round((time.time() + 3600) * 1000)
        client.xadd(frames_key("cam0"), {"jpeg": b"x"}, id=f"{ahead_ms}-0")
        publisher.publish("cam0", MESSAGE)
        assert newest_ms(client) >= ahead_ms
        publisher.put_statuses({"cam0": status})
        publisher.publish("cam0", MESSAGE)
        assert newest_ms(client) < ahead_ms
        before = client.xlen(frames_key("cam0"))
        publisher.put_statuses({"cam0": status})
        assert client.xlen(frames_key("cam0")) == before == 1
    publisher.close()


def newest_ms(client: redis.Redis) -> int:
    entries: Any = client.xrevrange(frames_key("cam0"), count=1)
    return int(entries[0][0].partition(b"-")[0])
