"""All cameras in Redis: who they are and how they are, without a look at their pictures."""

import asyncio
import logging
from collections.abc import Sequence
from time import monotonic

from redis.asyncio import Redis

from services.contracts.cameras import CAMERAS_KEY, MAX_CAMERAS, STATUS_FIELDS, CameraStatus, is_camera_id, status_key
from services.contracts.frames import FRAMES_TTL_S, MAX_AHEAD_S, frames_key
from services.contracts.messages import MalformedMessage
from services.gateway.frames import ListedCamera
from services.gateway.redis_parser import ReplyTooLargeError
from services.gateway.redis_replies import RefusedKeys, execute, status_of

STATUS_TOO_LARGE = "its status is too large"

MAX_PARALLEL = 8
"""Cameras that are read at the same time. Each is read by itself: all in one would make Redis keep all replies at once,
and one reply that is too large would end them all."""

_LONGEST_ID = 32
_SCANNED = 200
_MAX_SCANS = 10
_log = logging.getLogger(__name__)


async def camera_ids(redis: Redis, refused: RefusedKeys) -> list[str]:
    """Return the ids of the cameras that exist, sorted; at most 100, those with the newest heartbeats.

    Heartbeats of a time to come don't count, nor do names that no camera can have.
    """
    if not refused.has(CAMERAS_KEY):
        try:
            return _named(await _newest(redis))
        except ReplyTooLargeError:
            refused.add(CAMERAS_KEY)
            _log.warning("redis: %s has names that are too long", CAMERAS_KEY)
    return _named(await _short_names(redis))


async def read_cameras(redis: Redis, refused: RefusedKeys) -> Sequence[ListedCamera]:
    """Return the same cameras with their statuses, by id."""
    turns = asyncio.Semaphore(MAX_PARALLEL)

    async def in_turn(camera: str) -> ListedCamera:
        async with turns:
            return await _listed(redis, refused, camera)

    return await asyncio.gather(*(in_turn(camera) for camera in await camera_ids(redis, refused)))


async def _newest(redis: Redis) -> Sequence[bytes]:
    """Return the members of the sorted set with the highest scores up to now."""
    clock = redis.pipeline(transaction=False)
    clock.time()
    ((seconds, _),) = await clock.execute()
    pipeline = redis.pipeline(transaction=False)
    pipeline.zrevrangebyscore(CAMERAS_KEY, seconds + MAX_AHEAD_S, "-inf", start=0, num=MAX_CAMERAS)
    (members,) = await execute(pipeline)
    return members or ()


async def _short_names(redis: Redis) -> Sequence[bytes]:
    """Return members that aren't too long, as many as some scans find.

    Redis compares lengths itself here: a pattern of question marks matches names of that length.
    """
    found: set[bytes] = set()
    cursors = dict.fromkeys(range(1, _LONGEST_ID + 1), 0)
    for _ in range(_MAX_SCANS):
        pipeline = redis.pipeline(transaction=False)
        for length, cursor in cursors.items():
            pipeline.zscan(CAMERAS_KEY, cursor, "?" * length, _SCANNED)
        answers = await execute(pipeline)
        following = {}
        for length, answer in zip(cursors, answers, strict=True):
            cursor, members = answer or (0, ())
            found.update(member for member, _ in members)
            if cursor:
                following[length] = cursor
        cursors = following
        if not cursors or len(found) >= MAX_CAMERAS:
            break
    return list(found)


def _named(members: Sequence[bytes]) -> list[str]:
    names = (member.decode("ascii", "replace") for member in members if len(member) <= _LONGEST_ID)
    return sorted(name for name in names if is_camera_id(name))[:MAX_CAMERAS]


async def _listed(redis: Redis, refused: RefusedKeys, camera: str) -> ListedCamera:
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
        except MalformedMessage as error:
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
