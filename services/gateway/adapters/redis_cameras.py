"""All cameras in Redis: who they are and how they are, without a look at their pictures."""

import asyncio
import logging
from collections.abc import Sequence
from time import monotonic

from redis.asyncio import Redis

from services.contracts.cameras import CAMERAS_KEY, MAX_CAMERAS, STATUS_FIELDS, CameraStatus, is_camera_id, status_key
from services.contracts.frames import FRAMES_TTL_S, MAX_AHEAD_S, frames_key
from services.contracts.messages import MalformedMessageError
from services.gateway.adapters.redis_replies import OversizedKeys, ReplyTooLargeError, execute, microseconds, status_of
from services.gateway.protocols import ListedCamera

STATUS_TOO_LARGE = "its status is too large"

MAX_PARALLEL = 8
"""Cameras that are read at the same time. Each is read by itself: all in one would make Redis keep all replies at once,
and one reply that is too large would end them all."""

NAMES_KEPT_S = 5.0
"""How long the names that were found besides others, which are too long, are good for."""

CLOCK_KEPT_S = 1.0
"""How long a reading of Redis's clock is good for: after it was set, cameras may be missing for as long."""

_log = logging.getLogger(__name__)


class CameraNames:
    """Reads the names of the cameras that exist.

    Heartbeats of a time to come don't count, nor do names that no camera can have.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._good_until_s = float("-inf")
        self._clock_ahead_s = 0.0
        self._clock_until_s = float("-inf")

    async def read(self, redis: Redis) -> list[str]:
        """Return the ids of the cameras that exist, sorted; at most 100, those with the newest heartbeats."""
        if monotonic() < self._good_until_s:
            return self._names
        newest_s = await self._redis_time_s(redis) + MAX_AHEAD_S
        try:
            return _named(await _members(redis, newest_s, 0, MAX_CAMERAS))
        except ReplyTooLargeError:
            _log.warning("redis: %s has names that are too long", CAMERAS_KEY)
        self._names = _named(await _short_members(redis, newest_s))
        self._good_until_s = monotonic() + NAMES_KEPT_S
        return self._names

    async def _redis_time_s(self, redis: Redis) -> float:
        """Return Redis's time, which is asked for once a second at most."""
        if monotonic() >= self._clock_until_s:
            clock = redis.pipeline(transaction=False)
            clock.time()
            (now,) = await clock.execute()
            self._clock_until_s = monotonic() + CLOCK_KEPT_S
            self._clock_ahead_s = microseconds(now) / 1e6 - monotonic()
        return monotonic() + self._clock_ahead_s


async def read_cameras(redis: Redis, names: CameraNames, refused: OversizedKeys) -> Sequence[ListedCamera]:
    """Return the same cameras with their statuses, by id."""
    turns = asyncio.Semaphore(MAX_PARALLEL)

    async def in_turn(camera: str) -> ListedCamera:
        async with turns:
            return await _listed(redis, refused, camera)

    return await asyncio.gather(*(in_turn(camera) for camera in await names.read(redis)))


async def _members(redis: Redis, newest_s: float, first: int, count: int) -> Sequence[bytes]:
    pipeline = redis.pipeline(transaction=False)
    pipeline.zrevrangebyscore(CAMERAS_KEY, newest_s, "-inf", start=first, num=count)
    (members,) = await execute(pipeline)
    return members or ()


async def _short_members(redis: Redis, newest_s: float) -> Sequence[bytes]:
    """Return the members among the newest 100 that aren't too long: those in parts of ten, else one by one."""
    found: list[bytes] = []
    parts = [(first, MAX_CAMERAS // 10) for first in range(0, MAX_CAMERAS, MAX_CAMERAS // 10)]
    while parts:
        first, count = parts.pop()
        try:
            found += await _members(redis, newest_s, first, count)
        except ReplyTooLargeError:
            if count > 1:
                parts += [(place, 1) for place in range(first, first + count)]
    return found


def _named(members: Sequence[bytes]) -> list[str]:
    return sorted({name for name in (member.decode("utf-8", "replace") for member in members) if is_camera_id(name)})


async def _listed(redis: Redis, refused: OversizedKeys, camera: str) -> ListedCamera:
    key, fault, status, time_left_ms = status_key(camera), "", None, None
    if refused.has(key):
        fault = STATUS_TOO_LARGE
    else:
        pipeline = redis.pipeline(transaction=False)
        pipeline.hmget(key, STATUS_FIELDS)
        pipeline.pttl(frames_key(camera))
        try:
            values, time_left_ms = await execute(pipeline)
            status = status_of(values)
        except ReplyTooLargeError:
            refused.add(key)
            fault = STATUS_TOO_LARGE
        except MalformedMessageError as error:
            fault = str(error)
    if fault:
        _log.warning("camera %s: %s", camera, fault)
    return ListedCamera(camera, status, _age_ms(time_left_ms, status), monotonic(), fault)


def _age_ms(time_left_ms: int | None, status: CameraStatus | None) -> float | None:
    """Return how old a camera's newest frame is, by how long its stream has left to live.

    Each frame renews that. To read the frame itself would cost all of its picture, in whichever way Redis is asked.
    """
    if time_left_ms is None or not 0 <= time_left_ms <= FRAMES_TTL_S * 1000:
        return None
    return FRAMES_TTL_S * 1000 - time_left_ms + (status.delay_us / 1e3 if status else 0.0)
