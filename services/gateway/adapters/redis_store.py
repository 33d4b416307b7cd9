"""Reads frames and cameras from Redis.

Data in Redis isn't trusted: every client of Redis can write anything. Each reply has a size limit (``redis_replies``),
each field has one (``services/contracts``), and a malformed key affects only its own camera.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from services.contracts.cameras import CAMERAS_KEY, STATUS_FIELDS, status_key
from services.contracts.frames import frames_key
from services.contracts.messages import MalformedMessageError
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.adapters.redis_cameras import STATUS_TOO_LARGE, CameraNames, read_cameras
from services.gateway.adapters.redis_replies import (
    LimitedParser,
    OversizedKeys,
    ReplyTooLargeError,
    decode_frame,
    decode_status,
    execute,
    microseconds,
)
from services.gateway.protocols import Deadline, Frame, KnownCamera, ListedCamera
from services.runtime.redis_client import async_redis_client

MAX_CONCURRENT_READS = 16
"""Most concurrent reads, without those of live sessions. Others wait within their deadline."""

FRAME_TOO_LARGE = "its newest frame is too large"

_log = logging.getLogger(__name__)
T = TypeVar("T")


def connect(url: str, timeout_s: float, max_connections: int = 100) -> Redis:
    """Return a client whose replies are limited in size."""
    return async_redis_client(url, timeout_s, max_connections, LimitedParser)


class RedisFrames:
    """A ``FrameStore`` in Redis."""

    def __init__(self, redis: Redis, timeout_s: float) -> None:
        self._redis = redis
        self._timeout_s = timeout_s
        self._read_slots = asyncio.Semaphore(MAX_CONCURRENT_READS)
        self._oversized = OversizedKeys()
        self._names = CameraNames()

    async def camera_ids(self, deadline: Deadline) -> list[str]:
        """Return the ids of the cameras that exist, sorted; at most 100, those with the newest heartbeats."""
        return await self._read(deadline, lambda: self._names.read(self._redis))

    async def listed_cameras(self, deadline: Deadline) -> Sequence[ListedCamera]:
        """Return the cameras with their statuses, by id. An invalid status is a ``fault``."""
        return await self._read(deadline, lambda: read_cameras(self._redis, self._names, self._oversized))

    async def known_camera(self, camera: str, deadline: Deadline) -> KnownCamera | None:
        """Return a camera with its newest frame, in one round trip.

        Redis's time is read with the frame, so that ages don't depend on the clocks of this host and the camera's host.
        """
        return await self._read(deadline, lambda: self._known_camera(camera))

    async def next_frame(self, camera: str, after: str, wait_s: float) -> Frame | None:
        """Return a camera's newest frame after ``after``. The wait occupies a connection of the pool."""
        key = frames_key(camera)
        started_s = monotonic()
        if not self._oversized.has(key):
            try:
                return await self._next_frame(camera, after, wait_s)
            except ReplyTooLargeError:  # several frames together may exceed the limit; the newest one may not
                known = await self.known_camera(camera, Deadline.after(self._timeout_s))
                if known is not None and known.newest is not None:
                    return known.newest if known.newest.frame_id != after else None
            except MalformedMessageError as error:
                _log.warning("camera %s: %s", camera, error)
        await asyncio.sleep(max(0.0, wait_s - (monotonic() - started_s)))  # the caller reads again at once
        return None

    async def ping(self) -> None:
        """Return if Redis answers."""
        await self._read(Deadline.after(self._timeout_s), self._ping)

    async def _ping(self) -> None:
        await self._redis.ping()

    async def _known_camera(self, camera: str) -> KnownCamera | None:
        frame_key, state_key = frames_key(camera), status_key(camera)
        while True:
            faults = [
                fault
                for key, fault in ((frame_key, FRAME_TOO_LARGE), (state_key, STATUS_TOO_LARGE))
                if self._oversized.has(key)
            ]
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.time()
            pipeline.zscore(CAMERAS_KEY, camera)
            if STATUS_TOO_LARGE not in faults:
                pipeline.hmget(state_key, STATUS_FIELDS)
            if FRAME_TOO_LARGE not in faults:
                pipeline.xrevrange(frame_key, count=1)
            try:
                replies = iter(await execute(pipeline))
            except ReplyTooLargeError as error:
                self._oversized.add(frame_key if error.in_entry else state_key)
                continue  # without the command whose reply is too large
            break
        read_at_s = monotonic()
        now_us = microseconds(next(replies))
        if next(replies) is None:
            return None
        status, newest = None, None
        try:
            status = None if STATUS_TOO_LARGE in faults else decode_status(next(replies))
        except MalformedMessageError as error:
            faults.append(str(error))
        try:
            entries = None if FRAME_TOO_LARGE in faults else next(replies)
            newest = decode_frame(entries[0], now_us, read_at_s) if entries else None
        except MalformedMessageError as error:
            faults.append(str(error))
        for fault in faults:
            _log.warning("camera %s: %s", camera, fault)
        return KnownCamera(camera, status, newest, "; ".join(faults))

    async def _next_frame(self, camera: str, after: str, wait_s: float) -> Frame | None:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.xread({frames_key(camera): after}, block=self._block_ms(wait_s))
        pipeline.time()
        streams, now = await self._run(Deadline.after(self._timeout_s), execute(pipeline))
        read_at_s = monotonic()
        return decode_frame(streams[0][1][-1], microseconds(now), read_at_s) if streams else None

    def _block_ms(self, wait_s: float) -> int:
        return max(1, round(min(wait_s, self._timeout_s / 2) * 1e3))  # 0 blocks without a limit

    async def _read(self, deadline: Deadline, call: Callable[[], Awaitable[T]]) -> T:
        """Run a read, as one of ``MAX_CONCURRENT_READS``."""
        return await self._run(deadline, self._with_slot(call))

    async def _with_slot(self, call: Callable[[], Awaitable[T]]) -> T:
        async with self._read_slots:
            return await call()

    async def _run(self, deadline: Deadline, call: Awaitable[T]) -> T:
        seconds = deadline.capped(self._timeout_s).remaining_s()
        try:
            async with asyncio.timeout(seconds):
                with propagate_cancellation():
                    return await call
        except ReplyTooLargeError:
            raise
        except (TimeoutError, RedisTimeoutError) as error:
            raise ServiceError(
                ProblemKind.DEPENDENCY_TIMEOUT,
                f"Redis took longer than {seconds:.2g} s",
                dependency="redis",
            ) from error
        except (RedisError, OSError) as error:
            _log.warning("redis: %s", type(error).__name__)
            raise ServiceError(
                ProblemKind.DEPENDENCY_UNAVAILABLE, "Redis can't be reached", dependency="redis"
            ) from error


@contextmanager
def propagate_cancellation() -> Iterator[None]:
    """Raise ``CancelledError`` at the end of the block if the task was cancelled inside it.

    In Python 3.11 ``asyncio.wait_for`` swallows a cancellation that arrives together with the result (bpo-42130), and
    redis-py uses it. A task that reads in a loop would never end, and the service that awaits it wouldn't stop.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError
