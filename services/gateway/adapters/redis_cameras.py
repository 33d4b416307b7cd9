"""Reads the list of all cameras from Redis, without their frames."""

import asyncio
import logging
from collections.abc import Sequence
from time import monotonic

from redis.asyncio import Redis

from services.contracts.cameras import CAMERAS_KEY, MAX_CAMERAS, STATUS_FIELDS, CameraStatus, is_camera_id, status_key
from services.contracts.frames import FRAMES_TTL_S, MAX_AHEAD_S, frames_key
from services.contracts.messages import MalformedMessageError
from services.gateway.adapters.redis_replies import (
    OversizedKeys,
    ReplyTooLargeError,
    decode_status,
    execute,
    microseconds,
)
from services.gateway.protocols import ListedCamera

STATUS_TOO_LARGE = "its status is too large"

MAX_CONCURRENT_CAMERAS = 8
"""Most cameras that are read at the same time. Each is one pipeline: a common one would make Redis buffer all replies,
and one oversized reply would fail all of them."""

NAMES_TTL_S = 5.0
"""How long the names are cached if the set also has names that are too long."""

CLOCK_TTL_S = 1.0
"""How long a reading of Redis's clock is used. After the clock is set, cameras may be missing for this time."""

_log = logging.getLogger(__name__)


class CameraNames:
    """Reads the ids of the cameras that exist. Heartbeats in the future and invalid ids are left out."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._expires_at_s = float("-inf")
        self._clock_ahead_s = 0.0
        self._clock_expires_at_s = float("-inf")

    async def read(self, redis: Redis) -> list[str]:
        """Return the ids of the cameras that exist, sorted; at most 100, those with the newest heartbeats."""
        if monotonic() < self._expires_at_s:
            return self._names
        newest_s = await self._redis_time_s(redis) + MAX_AHEAD_S
        try:
            return _named(await _members(redis, newest_s, 0, MAX_CAMERAS))
        except ReplyTooLargeError:
            _log.warning("redis: %s has names that are too long", CAMERAS_KEY)
        self._names = _named(await _short_members(redis, newest_s))
        self._expires_at_s = monotonic() + NAMES_TTL_S
        return self._names

    async def _redis_time_s(self, redis: Redis) -> float:
        """Return Redis's time, read at most once in ``CLOCK_TTL_S``."""
        if monotonic() >= self._clock_expires_at_s:
            clock = redis.pipeline(transaction=False)
            clock.time()
            (now,) = await clock.execute()
            self._clock_expires_at_s = monotonic() + CLOCK_TTL_S
            self._clock_ahead_s = microseconds(now) / 1e6 - monotonic()
        return monotonic() + self._clock_ahead_s


async def read_cameras(redis: Redis, names: CameraNames, oversized: OversizedKeys) -> Sequence[ListedCamera]:
    """Return the cameras with their statuses, by id."""
    slots = asyncio.Semaphore(MAX_CONCURRENT_CAMERAS)

    async def read(camera: str) -> ListedCamera:
        async with slots:
            return await _listed(redis, oversized, camera)

    return await asyncio.gather(*(read(camera) for camera in await names.read(redis)))


async def _members(redis: Redis, newest_s: float, first: int, count: int) -> Sequence[bytes]:
    pipeline = redis.pipeline(transaction=False)
    pipeline.zrevrangebyscore(CAMERAS_KEY, newest_s, "-inf", start=first, num=count)
    (members,) = await execute(pipeline)
    return members or ()


async def _short_members(redis: Redis, newest_s: float) -> Sequence[bytes]:
    """Return the newest 100 members without those that are too long, read in tens and, if ten are too long, singly."""
    short: list[bytes] = []
    ranges = [(first, MAX_CAMERAS // 10) for first in range(0, MAX_CAMERAS, MAX_CAMERAS // 10)]
    while ranges:
        first, count = ranges.pop()
        try:
            short += await _members(redis, newest_s, first, count)
        except ReplyTooLargeError:
            if count > 1:
                ranges += [(place, 1) for place in range(first, first + count)]
    return short


def _named(members: Sequence[bytes]) -> list[str]:
    return sorted({name for name in (member.decode("utf-8", "replace") for member in members) if is_camera_id(name)})


async def _listed(redis: Redis, oversized: OversizedKeys, camera: str) -> ListedCamera:
    key, fault, status, time_left_ms = status_key(camera), "", None, None
    if oversized.has(key):
        fault = STATUS_TOO_LARGE
    else:
        pipeline = redis.pipeline(transaction=False)
        pipeline.hmget(key, STATUS_FIELDS)
        pipeline.pttl(frames_key(camera))
        try:
            values, time_left_ms = await execute(pipeline)
            status = decode_status(values)
        except ReplyTooLargeError:
            oversized.add(key)
            fault = STATUS_TOO_LARGE
        except MalformedMessageError as error:
            fault = str(error)
    if fault:
        _log.warning("camera %s: %s", camera, fault)
    return ListedCamera(camera, status, _age_ms(time_left_ms, status), monotonic(), fault)


def _age_ms(time_left_ms: int | None, status: CameraStatus | None) -> float | None:
    """Return the age of a camera's newest frame, from the time to live of its stream.

    Each frame renews the time to live. Redis has no command that reads a frame's fields without its picture.
    """
    if time_left_ms is None or not 0 <= time_left_ms <= FRAMES_TTL_S * 1000:
        return None
    return FRAMES_TTL_S * 1000 - time_left_ms + (status.delay_us / 1e3 if status else 0.0)
