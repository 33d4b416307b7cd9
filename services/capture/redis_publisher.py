"""Publishes frames and statuses to Redis, with commands of Redis 6.2."""

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
from services.contracts.frames import FRAMES_TTL_S, MAX_AHEAD_S, MAX_STREAM_FRAMES, FrameMessage, frames_key
from services.runtime.redis_client import redis_client

TIMEOUT_S = 1.0
_MAX_CAUSES = 5
_log = logging.getLogger(__name__)


class RedisPublisher:
    """A ``Publisher``. It connects with its first command, and again after a failure."""

    def __init__(self, url: str) -> None:
        # A failed command isn't retried: the next frame is newer.
        self._redis = redis_client(url, TIMEOUT_S)
        self._last_ms: dict[str, int] = {}

    def publish(self, camera_id: str, message: FrameMessage) -> None:
        """Append a frame to the camera's stream and renew the stream's expiry.

        Raises:
            PublishError: The frame was not published.
        """
        key = frames_key(camera_id)
        # A transaction, since a stream without an expiry would keep a picture for ever.
        with _as_publish_error(), self._redis.pipeline(transaction=True) as pipe:
            pipe.xadd(key, _fields(message.encode()), maxlen=MAX_STREAM_FRAMES, approximate=False)
            pipe.expire(key, FRAMES_TTL_S)
            entry_id, _ = pipe.execute()
        self._last_ms[camera_id] = int(entry_id.partition(b"-")[0])

    def put_statuses(self, statuses: Mapping[str, CameraStatus]) -> None:
        """Store the statuses, and the cameras' heartbeats by Redis's clock.

        A stream with entry ids in the future is deleted. Readers reject such frames, and every later entry would get
        such an id as well. This happens when Redis's clock is set back.

        Raises:
            PublishError: The statuses were not stored.
        """
        with _as_publish_error(), self._redis.pipeline(transaction=True) as pipe:
            seconds, microseconds = self._redis.time()
            now = seconds + microseconds / 1e6
            for camera_id, status in statuses.items():
                pipe.hset(status_key(camera_id), mapping=_fields(status.encode()))
                pipe.expire(status_key(camera_id), STATUS_TTL_S)
                pipe.zadd(CAMERAS_KEY, {camera_id: now})
                if self._last_ms.get(camera_id, 0) > (now + MAX_AHEAD_S) * 1000:
                    _log.warning("%s: frame ids are in the future by Redis's clock; the stream is deleted", camera_id)
                    self._last_ms.pop(camera_id, None)
                    pipe.delete(frames_key(camera_id))
            pipe.zremrangebyscore(CAMERAS_KEY, "-inf", now - FORGET_AFTER_S)
            pipe.execute()

    def delete_statuses(self, camera_ids: Iterable[str]) -> None:
        """Delete the statuses.

        Raises:
            PublishError: The statuses were not deleted; they expire.
        """
        with _as_publish_error():
            self._redis.delete(*(status_key(camera_id) for camera_id in camera_ids))

    def ping(self) -> None:
        """Check that Redis responds.

        Raises:
            PublishError: It doesn't.
        """
        with _as_publish_error():
            self._redis.ping()

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()


def _fields(encoded: Mapping[str, bytes | int] | Mapping[str, str]) -> dict[FieldT, EncodableT]:
    return dict(encoded.items())


@contextmanager
def _as_publish_error() -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise PublishError(_reason(error)) from error


def _reason(error: Exception) -> str:
    """Return why Redis failed. The messages of libraries and servers are left out, since they may contain secrets."""
    match error:
        case redis.AuthenticationError() | redis.exceptions.AuthorizationError() | redis.exceptions.NoPermissionError():
            return "Redis rejected the user, the password or a command"
        case redis.TimeoutError() | TimeoutError():
            return f"Redis did not respond within {TIMEOUT_S:g} s"
        case redis.BusyLoadingError():
            return "Redis is loading"
        case redis.ResponseError():
            code = re.match(r"[A-Z]{3,20}\b", str(error))
            return f"Redis rejected a command ({code[0] if code else type(error).__name__})"
    return f"Redis is unreachable: {_network_reason(error)}"


def _network_reason(error: BaseException) -> str:
    seen: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        match seen:
            case None:
                break
            case ssl.SSLCertVerificationError():
                return "its certificate is not trusted"
            case ssl.SSLError():
                return "TLS failed"
            case socket.gaierror():
                return "its host name can't be resolved"
            case OSError(errno=int(number)):
                return os.strerror(number)
        seen = seen.__cause__ or seen.__context__
    return "connection lost"
