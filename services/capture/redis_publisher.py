"""The only file that touches Redis. Commands of Redis 6.2, over its older protocol, so that any server will do."""

import logging
import os
import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import redis
from redis.typing import EncodableT, FieldT

from services.capture.publisher_thread import PublishError
from services.contracts.cameras import CAMERAS_KEY, FORGET_AFTER_S, STATUS_TTL_S, CameraStatus, status_key
from services.contracts.frames import FRAMES_KEPT, FRAMES_TTL_S, MAX_AHEAD_S, FrameMessage, frames_key
from services.runtime.redis_client import redis_client

TIMEOUT_S = 1.0
_MAX_CAUSES = 5
_log = logging.getLogger(__name__)


class RedisPublisher:
    """Publishes to Redis. Connects when first used, and anew after every failure."""

    def __init__(self, url: str) -> None:
        """Prepare; ``url`` may hold a password and is kept by the client only."""
        # A failed command isn't retried: the next frame is newer.
        self._redis = redis_client(url, TIMEOUT_S)
        self._last_ms: dict[str, int] = {}

    def publish(self, camera: str, message: FrameMessage) -> None:
        """Append a frame to the camera's stream and renew the stream's life.

        Raises:
            PublishError: Redis didn't take it.
        """
        key = frames_key(camera)
        # One transaction: a stream without an expiry would keep a picture for good.
        with _failures_named(), self._redis.pipeline(transaction=True) as pipe:
            pipe.xadd(key, _fields(message.encode()), maxlen=FRAMES_KEPT, approximate=False)
            pipe.expire(key, FRAMES_TTL_S)
            entry_id, _ = pipe.execute()
        self._last_ms[camera] = int(entry_id.partition(b"-")[0])

    def announce(self, statuses: Mapping[str, CameraStatus]) -> None:
        """Renew the statuses and the cameras' place in the list, by Redis's clock.

        A stream whose ids are of a time to come is deleted, so that it begins anew: its readers take no such frame, and
        each new one would follow it.

        Raises:
            PublishError: Redis didn't take them.
        """
        with _failures_named(), self._redis.pipeline(transaction=True) as pipe:
            seconds, microseconds = self._redis.time()
            now = seconds + microseconds / 1e6
            for camera, status in statuses.items():
                pipe.hset(status_key(camera), mapping=_fields(status.encode()))
                pipe.expire(status_key(camera), STATUS_TTL_S)
                pipe.zadd(CAMERAS_KEY, {camera: now})
                if self._last_ms.get(camera, 0) > (now + MAX_AHEAD_S) * 1000:
                    _log.warning("%s: its frames are of a time to come by Redis's clock, and begin anew", camera)
                    self._last_ms.pop(camera, None)
                    pipe.delete(frames_key(camera))
            pipe.zremrangebyscore(CAMERAS_KEY, "-inf", now - FORGET_AFTER_S)
            pipe.execute()

    def withdraw(self, cameras: Iterable[str]) -> None:
        """Delete the statuses.

        Raises:
            PublishError: Redis can't be reached; the statuses expire.
        """
        with _failures_named():
            self._redis.delete(*(status_key(camera) for camera in cameras))

    def ping(self) -> None:
        """Look whether Redis answers.

        Raises:
            PublishError: It doesn't.
        """
        with _failures_named():
            self._redis.ping()

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()


def _fields(encoded: Mapping[str, bytes | int] | Mapping[str, str]) -> dict[FieldT, EncodableT]:
    return dict(encoded.items())


@contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise PublishError(_reason(error)) from error


def _reason(error: Exception) -> str:
    """Return why Redis failed, in a sentence of ours: the texts of libraries and servers may hold anything."""
    match error:
        case redis.AuthenticationError() | redis.exceptions.AuthorizationError() | redis.exceptions.NoPermissionError():
            return "Redis refuses the user, the password or a command"
        case redis.TimeoutError() | TimeoutError():
            return f"Redis gives no answer within {TIMEOUT_S:g} s"
        case redis.BusyLoadingError():
            return "Redis is loading"
        case redis.ResponseError():
            code = re.match(r"[A-Z]{3,20}\b", str(error))
            return f"Redis refuses a command ({code[0] if code else type(error).__name__})"
    return f"Redis can't be reached: {_network_reason(error)}"


def _network_reason(error: BaseException) -> str:
    seen: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        match seen:
            case None:
                break
            case ssl.SSLCertVerificationError():
                return "its certificate isn't trusted"
            case ssl.SSLError():
                return "TLS fails"
            case socket.gaierror():
                return "its name isn't known"
            case OSError(errno=int(number)):
                return os.strerror(number)
        seen = seen.__cause__ or seen.__context__
    return "the connection is lost"
