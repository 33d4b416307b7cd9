"""Frames and cameras in Redis: the only file of the gateway that talks to it."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from time import monotonic
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from services.contracts.cameras import CAMERAS_KEY, CameraStatus, is_camera_id, status_key
from services.contracts.frames import FrameMessage, captured_at_us, frames_key
from services.contracts.messages import MalformedMessage
from services.contracts.problems import ProblemKind
from services.contracts.recorded import recorded_frame_id
from services.gateway.cancellation import cancellation_kept
from services.gateway.deadline import Deadline
from services.gateway.frames import Frame, KnownCamera
from services.runtime.problems import ProblemError

_log = logging.getLogger(__name__)
T = TypeVar("T")


def connect(url: str, timeout_s: float, max_connections: int = 100) -> Redis:
    """Return a client; nothing is sent before the first command.

    A lost connection is tried anew once, at once: after a restart of Redis every pooled connection
    is dead, which is no failure yet.
    """
    return Redis.from_url(
        url,
        max_connections=max_connections,
        protocol=2,  # any Redis, Valkey or managed service speaks it
        driver_info=None,  # else it introduces itself by a command that Redis 6.2 doesn't know
        socket_connect_timeout=timeout_s,
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )


class RedisFrames:
    """A ``FrameStore``."""

    def __init__(self, redis: Redis, timeout_s: float) -> None:
        self._redis = redis
        self._timeout_s = timeout_s

    async def camera_ids(self, by: Deadline) -> list[str]:
        """Return the ids of all cameras that exist, sorted."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.zrange(CAMERAS_KEY, 0, -1)
        (members,) = await self._done_by(by, pipeline.execute())
        names = (member.decode("utf-8", "replace") for member in members)
        return sorted(name for name in names if is_camera_id(name))

    async def known_camera(self, camera: str, by: Deadline) -> KnownCamera | None:
        """Return a camera with its newest frame, in one round trip.

        Redis's own time is asked for along with the frame, so that ages are right whatever the
        clocks of this host and the camera's host say.
        """
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.time()
        pipeline.zscore(CAMERAS_KEY, camera)
        pipeline.hgetall(status_key(camera))
        pipeline.xrevrange(frames_key(camera), count=1)
        now, heartbeat, status, entries = await self._done_by(by, _execute(pipeline))
        read_at_s = monotonic()
        if heartbeat is None:
            return None
        return KnownCamera(camera, _status(camera, status), _newest(camera, entries, _microseconds(now), read_at_s))

    async def next_frame(self, camera: str, after: str, wait_s: float) -> Frame | None:
        """Return a camera's newest frame beyond ``after``; the wait blocks a connection of the pool."""
        block_ms = max(1, round(min(wait_s, self._timeout_s / 2) * 1e3))  # 0 would be for ever
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.xread({frames_key(camera): after}, block=block_ms)
        pipeline.time()
        streams, now = await self._done_by(Deadline.after(self._timeout_s), _execute(pipeline))
        read_at_s = monotonic()
        return _newest(camera, streams[0][1][-1:] if streams else None, _microseconds(now), read_at_s)

    async def ping(self) -> None:
        """Return if Redis answers; raise if not."""
        await self._done_by(Deadline.after(self._timeout_s), self._redis.ping())

    async def _done_by(self, by: Deadline, call: Awaitable[T]) -> T:
        seconds = by.within(self._timeout_s).seconds_left()
        try:
            async with asyncio.timeout(seconds):
                with cancellation_kept():
                    return await call
        except (TimeoutError, RedisTimeoutError) as error:
            raise ProblemError(
                ProblemKind.DEPENDENCY_TIMEOUT,
                f"Redis took longer than {seconds:.2g} s",
                dependency="redis",
            ) from error
        except (RedisError, OSError) as error:
            _log.warning("redis: %s", type(error).__name__)
            raise ProblemError(
                ProblemKind.DEPENDENCY_UNAVAILABLE, "Redis can't be reached", dependency="redis"
            ) from error


async def _execute(pipeline: Pipeline) -> list[Any]:
    """Return the answers; None for a key of the wrong type, which is one camera's trouble and not Redis's."""
    answers = await pipeline.execute(raise_on_error=False)
    for error in (answer for answer in answers if isinstance(answer, RedisError)):
        if not str(error).startswith("WRONGTYPE"):
            raise error
        _log.warning("redis: %s", error)
    return [None if isinstance(answer, RedisError) else answer for answer in answers]


def _microseconds(redis_time: tuple[int, int]) -> int:
    seconds, microseconds = redis_time
    return seconds * 1_000_000 + microseconds


def _status(camera: str, fields: Mapping[bytes, bytes] | None) -> CameraStatus | None:
    if not fields:
        return None
    try:
        return CameraStatus.decode(fields)
    except MalformedMessage as error:
        _log.warning("camera %s: %s", camera, error)
        return None


def _newest(camera: str, entries: list[Any] | None, now_us: int, read_at_s: float) -> Frame | None:
    return frame_of(camera, entries[0], now_us, read_at_s) if entries else None


def frame_of(camera: str, entry: tuple[bytes, Mapping[bytes, bytes]], now_us: int, read_at_s: float) -> Frame | None:
    """Return a stream's entry as a frame; None where it can't be read."""
    entry_id, fields = entry[0].decode(), entry[1]
    try:
        message = FrameMessage.decode(fields)
        captured_us = captured_at_us(entry_id, message.delay_us)
    except MalformedMessage as error:
        _log.warning("camera %s: %s", camera, error)
        return None
    if message.recorded:
        return Frame(recorded_frame_id(message), message, message.captured_at_us, 0.0, read_at_s)
    return Frame(entry_id, message, captured_us, (now_us - captured_us) / 1e3, read_at_s)
