"""The only file that touches Redis. Commands of Redis 6.2, over its older protocol, so that any server will do."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.typing import EncodableT, FieldT

from services.capture.publishing import Published, PublishError
from services.contracts.cameras import CAMERAS_KEY, FORGET_AFTER_S, STATUS_TTL_S, CameraStatus, status_key
from services.contracts.frames import FRAMES_KEPT, FRAMES_TTL_S, MAX_AHEAD_S, FrameMessage, frames_key
from services.contracts.messages import MalformedMessage
from services.contracts.recorded import MAX_TAKEN_BYTES, Taken, taken_key

TIMEOUT_S = 1.0
_log = logging.getLogger(__name__)


class RedisPublisher:
    """Publishes to Redis. Connects when first used, and anew after every failure."""

    def __init__(self, url: str) -> None:
        """Prepare; ``url`` may hold a password and is kept by the client only."""
        self._redis = redis.Redis.from_url(
            url,
            protocol=2,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            # The next frame is the retry; waiting for an old one would only make it older.
            retry=Retry(NoBackoff(), 0),
            # Naming the client takes a command of Redis 7.2.
            driver_info=None,
        )
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

    def begin(self, camera: str) -> None:
        """Forget the frames of earlier playings, and what was taken of them.

        Raises:
            PublishError: They are still there.
        """
        with _failures_named(), self._redis.pipeline(transaction=True) as pipe:
            pipe.xtrim(frames_key(camera), maxlen=0, approximate=False)  # unlike a deletion it lets ids go on growing
            pipe.delete(taken_key(camera))
            pipe.execute()

    def look(self, camera: str) -> Published:
        """Tell what was taken, and renew the life of the frames.

        Raises:
            PublishError: Redis can't be reached.
        """
        with _failures_named(), self._redis.pipeline(transaction=True) as pipe:
            pipe.expire(frames_key(camera), FRAMES_TTL_S)
            pipe.expire(taken_key(camera), FRAMES_TTL_S)
            pipe.xlen(frames_key(camera))
            pipe.getrange(taken_key(camera), 0, MAX_TAKEN_BYTES)  # of a value of any length
            _, _, held, taken = pipe.execute()
        return Published(held, _taken(camera, taken))

    def replace(self, camera: str, messages: Sequence[FrameMessage]) -> None:
        """Publish frames anew in the place of all that are held.

        Raises:
            PublishError: Redis didn't take them.
        """
        key = frames_key(camera)
        with _failures_named(), self._redis.pipeline(transaction=True) as pipe:
            pipe.xtrim(key, maxlen=0, approximate=False)
            for message in messages:
                pipe.xadd(key, _fields(message.encode()))
            pipe.expire(key, FRAMES_TTL_S)
            pipe.execute()

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
                if not status.recorded and self._last_ms.get(camera, 0) > (now + MAX_AHEAD_S) * 1000:
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


def _taken(camera: str, value: bytes) -> Taken | None:
    try:
        return Taken.decode(value) if value else None
    except MalformedMessage as error:
        _log.warning("%s: %s", camera, error)
        return None


def _fields(encoded: Mapping[str, bytes | int] | Mapping[str, str]) -> dict[FieldT, EncodableT]:
    return dict(encoded.items())


@contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise PublishError(f"{type(error).__name__}: {error}") from error
