"""The gateway's reading of a real Redis: ages by Redis's clock, and whatever else stands in it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from time import time

import pytest
from redis.asyncio import Redis

from services.contracts.cameras import CAMERAS_KEY, MAX_CAMERAS, CameraState, CameraStatus, status_key
from services.contracts.frames import FRAMES_TTL_S, FrameMessage, frames_key
from services.contracts.problems import ServiceError
from services.gateway.adapters.redis_store import RedisFrames, connect
from services.gateway.protocols import Deadline
from tests.support.redis_server import RedisServer


def soon() -> Deadline:
    return Deadline.after(60)


STATUS = CameraStatus(CameraState.ONLINE, "demo", 30.0, 1280, 720, 100, 2, 1, "")


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    client = connect(redis_server.url, timeout_s=5)
    yield client
    await client.aclose()


@pytest.fixture
def frames(redis: Redis) -> RedisFrames:
    return RedisFrames(redis, timeout_s=5)


def message(delay_us: int = 250_000) -> FrameMessage:
    ten_minutes_fast = round((time() + 600) * 1e6)
    return FrameMessage(b"jpeg", ten_minutes_fast, delay_us, 1280, 720, 1)


async def publish(redis: Redis, camera: str, frame: FrameMessage) -> None:
    await redis.zadd(CAMERAS_KEY, {camera: time()})
    await redis.hset(status_key(camera), mapping=dict(STATUS.encode().items()))
    await redis.xadd(frames_key(camera), dict(frame.encode().items()))
    await redis.expire(frames_key(camera), FRAMES_TTL_S)


async def test_all_cameras_are_listed_with_the_age_of_their_newest_frame(redis: Redis, frames: RedisFrames) -> None:
    await publish(redis, "cam0", message())
    await redis.hset(status_key("cam0"), "delay_us", "250000")
    await redis.zadd(CAMERAS_KEY, {"gone": 1, "asleep": 2})
    await redis.hset(status_key("asleep"), mapping=dict(STATUS.encode().items()))
    asleep, cam0, gone = await frames.listed_cameras(soon())
    assert (asleep.camera, asleep.status, asleep.age_ms()) == ("asleep", STATUS, None)
    assert (gone.camera, gone.status, gone.age_ms(), gone.fault) == ("gone", None, None, "")
    listed_ms = cam0.age_ms()
    known = await frames.known_camera("cam0", soon())
    assert known is not None
    assert known.newest is not None
    assert listed_ms is not None
    assert 250 <= listed_ms <= known.newest.age_ms() + 20


async def test_unreadable_status_is_reported_in_the_list(redis: Redis, frames: RedisFrames) -> None:
    await publish(redis, "cam0", message())
    await redis.hset(status_key("cam0"), "fps", "1_000")
    (cam0,) = await frames.listed_cameras(soon())
    assert (cam0.status, "fps" in cam0.fault) == (None, True)
    assert cam0.age_ms() is not None
    known = await frames.known_camera("cam0", soon())
    assert known is not None
    assert known.newest is not None


async def test_the_list_is_limited_to_the_newest_heartbeats(redis: Redis, frames: RedisFrames) -> None:
    await redis.zadd(CAMERAS_KEY, {f"cam{number}": 1000 + number for number in range(2 * MAX_CAMERAS)})
    await redis.zadd(CAMERAS_KEY, {"ahead": time() + 3600})
    ids = await frames.camera_ids(soon())
    assert ids == sorted(f"cam{number}" for number in range(MAX_CAMERAS, 2 * MAX_CAMERAS))
    assert [camera.camera for camera in await frames.listed_cameras(soon())] == ids


async def test_a_camera_with_frames_of_megabytes_is_followed(redis: Redis, frames: RedisFrames) -> None:
    large = replace(message(), jpeg=b"x" * 7_000_000)
    for _ in range(4):  # together more than a reply may have
        await publish(redis, "cam0", large)
    newest = await frames.next_frame("cam0", "0-1", wait_s=0.01)
    assert newest is not None
    assert len(newest.message.jpeg) == 7_000_000
    assert await frames.next_frame("cam0", newest.frame_id, wait_s=0.01) is None


async def test_ages_do_not_depend_on_the_cameras_clock(redis: Redis, frames: RedisFrames) -> None:
    await publish(redis, "cam0", message(delay_us=250_000))
    known = await frames.known_camera("cam0", soon())
    assert known is not None
    assert known.status == STATUS
    assert known.newest is not None
    assert 250 <= known.newest.age_ms() < 2000
    assert abs(known.newest.captured_at_us / 1e6 - time()) < 5


async def test_a_camera_exists_if_it_has_registered(redis: Redis, frames: RedisFrames) -> None:
    await publish(redis, "door", message())
    await publish(redis, "cam0", message())
    assert await frames.camera_ids(soon()) == ["cam0", "door"]
    assert await frames.known_camera("garden", soon()) is None


async def test_foreign_redis_data_affects_no_camera(redis: Redis, frames: RedisFrames) -> None:
    await publish(redis, "cam0", message())
    await redis.zadd(CAMERAS_KEY, {b"\xff\xfe": 1, b"BAD id\n": 1, b"odd": 1})
    await redis.set(status_key("odd"), "text")
    await redis.set(frames_key("odd"), "text")
    assert await frames.camera_ids(soon()) == ["cam0", "odd"]
    odd, ours = await frames.known_camera("odd", soon()), await frames.known_camera("cam0", soon())
    assert odd is not None
    assert (odd.status, odd.newest) == (None, None)
    assert ours is not None
    assert ours.newest is not None


@pytest.mark.parametrize("field", [{"delay_us": -(10**25)}, {"jpeg": ""}, {"width": "wide"}])
async def test_a_malformed_frame_is_a_fault(redis: Redis, frames: RedisFrames, field: dict[str, int | str]) -> None:
    await redis.zadd(CAMERAS_KEY, {"cam0": 1})
    fields = {**message().encode(), **field}
    await redis.xadd(frames_key("cam0"), {name: value for name, value in fields.items() if value != ""})
    known = await frames.known_camera("cam0", soon())
    assert known is not None
    assert known.newest is None


async def test_subscriber_gets_the_newest_frame_once(redis: Redis, frames: RedisFrames) -> None:
    await publish(redis, "cam0", message())
    known = await frames.known_camera("cam0", soon())
    assert known is not None
    assert known.newest is not None
    assert await frames.next_frame("cam0", known.newest.frame_id, wait_s=0.01) is None
    for _ in range(3):
        await publish(redis, "cam0", message())
    following = await frames.next_frame("cam0", known.newest.frame_id, wait_s=0.01)
    newest = await frames.known_camera("cam0", soon())
    assert following is not None
    assert newest is not None
    assert newest.newest is not None
    assert following.frame_id == newest.newest.frame_id
    assert following.age_ms() >= 250
    waiting = asyncio.create_task(frames.next_frame("cam0", following.frame_id, wait_s=60))
    await publish(redis, "cam0", message())
    woken = await waiting
    assert woken is not None
    assert woken.frame_id != following.frame_id


async def test_missing_redis_is_named_and_its_return_is_noticed(redis_server: RedisServer, frames: RedisFrames) -> None:
    await frames.ping()
    redis_server.stop()
    with pytest.raises(ServiceError) as gone:
        await frames.camera_ids(soon())
    assert gone.value.problem.kind.status == 503
    assert gone.value.problem.extensions == {"dependency": "redis"}
    redis_server.start()
    assert await frames.camera_ids(soon()) == []


async def test_only_commands_of_redis_62_are_sent(redis: Redis, frames: RedisFrames) -> None:
    await publish(redis, "cam0", message())
    await frames.known_camera("cam0", soon())
    await frames.next_frame("cam0", "0-0", wait_s=0.01)
    await frames.camera_ids(soon())
    await frames.listed_cameras(soon())
    assert (await redis.info("stats"))["total_error_replies"] == 0


async def test_cancellation_at_any_moment_ends_the_call(redis: Redis, frames: RedisFrames) -> None:
    await publish(redis, "cam0", message())
    known = await frames.known_camera("cam0", soon())
    assert known is not None
    assert known.newest is not None
    newest = known.newest.frame_id
    for moment in range(40):
        reading = asyncio.create_task(frames.next_frame("cam0", newest, wait_s=0.05))
        for _ in range(moment):
            await asyncio.sleep(0)
        under_way = reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled() is under_way, moment
