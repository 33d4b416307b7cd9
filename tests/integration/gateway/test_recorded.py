"""A recorded video from its file to the gateway: real capture, real Redis, and who takes frame after frame."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, time

import pytest
from redis.asyncio import Redis

from services.contracts.cameras import CAMERAS_KEY, CameraState, CameraStatus, status_key
from services.contracts.frames import FRAMES_TTL_S, FrameMessage, frames_key
from services.contracts.recorded import UNTAKEN_MOST, taken_key
from services.gateway.deadline import Deadline
from services.gateway.recorded import RecordedFrame
from services.gateway.redis_frames import connect
from services.gateway.redis_recorded import RedisRecorded
from services.runtime.problems import ProblemError
from tests.support.capture_process import CaptureProcess, Viewer, viewing
from tests.support.images import write_film
from tests.support.redis_server import RedisServer
from tests.support.waiting import DEFAULT_TIMEOUT_S, wait_until

FRAMES = 40
CAMERA = "film"


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    client = connect(redis_server.url, timeout_s=5)
    yield client
    await client.aclose()


@pytest.fixture
def store(redis: Redis) -> RedisRecorded:
    return RedisRecorded(redis, timeout_s=5)


@pytest.fixture
def viewer(redis_server: RedisServer) -> Iterator[Viewer]:
    with viewing(redis_server.url) as viewer:
        yield viewer


@contextmanager
def playing(redis_server: RedisServer, folder: Path, frames: int = FRAMES) -> Iterator[CaptureProcess]:
    film = folder / "film.avi"
    if not film.exists():
        write_film(film, frames)
    with CaptureProcess(
        folder / "capture.log", redis_url=redis_server.url, cameras=f"{CAMERA}=recorded:{film}"
    ) as capture:
        yield capture


async def the_next(store: RedisRecorded, after: RecordedFrame | None) -> RecordedFrame:
    deadline = monotonic() + DEFAULT_TIMEOUT_S
    while monotonic() < deadline:
        try:
            found = await store.following(CAMERA, after, wait_s=1)
        except ProblemError:  # Redis is away
            await asyncio.sleep(0.05)
            continue
        if found is not None:
            return found
    raise AssertionError(f"no frame after {after and after.frame.frame_id}")


async def take(store: RedisRecorded, count: int, after: RecordedFrame | None = None) -> list[RecordedFrame]:
    taken: list[RecordedFrame] = []
    for _ in range(count):
        after = await the_next(store, after)
        await store.acknowledge(CAMERA, after)
        taken.append(after)
    return taken


def seen(frames: list[RecordedFrame]) -> list[tuple[str, str, float, str]]:
    """Return all that a result may depend on."""
    return [
        (
            one.frame.frame_id,
            one.frame.captured_at(),
            one.frame.age_ms(),
            hashlib.sha256(one.frame.message.jpeg).hexdigest(),
        )
        for one in frames
    ]


def numbers(frames: list[RecordedFrame]) -> list[int]:
    return [one.frame.message.seq for one in frames]


async def test_two_playings_give_every_frame_and_the_same(
    redis_server: RedisServer, store: RedisRecorded, viewer: Viewer, tmp_path: Path
) -> None:
    playings = []
    for _ in range(2):
        with playing(redis_server, tmp_path) as capture:
            playings.append(await take(store, FRAMES))
            wait_until(viewer.status_is(lambda status: status.state is CameraState.ENDED, CAMERA), "the end")
            assert capture.terminate() == 0
            assert "Traceback" not in capture.log()
    one, other = playings
    assert numbers(one) == list(range(1, FRAMES + 1))
    assert seen(one) == seen(other)
    assert seen(one)[1][:3] == ("40-2", "1970-01-01T00:00:00.040000Z", 0.0)
    assert len({digest for *_, digest in seen(one)}) > FRAMES // 2, "the pictures differ from frame to frame"
    assert one[1].continues(one[0])
    assert not other[0].continues(one[-1])


async def test_it_waits_alive_for_whoever_comes(
    redis_server: RedisServer, redis: Redis, store: RedisRecorded, viewer: Viewer, tmp_path: Path
) -> None:
    with playing(redis_server, tmp_path) as capture:
        wait_until(viewer.status_is(lambda status: status.state is CameraState.WAITING, CAMERA), "it to wait")
        status = viewer.status(CAMERA)
        assert status is not None
        assert (status.recorded, status.published, status.dropped) == (True, UNTAKEN_MOST, 0)
        assert capture.readiness()["status"] == "ready"
        await redis.pexpire(frames_key(CAMERA), 2000)
        wait_until(lambda: viewer.redis.pttl(frames_key(CAMERA)) > 5000, "the frames' life to be renewed")

        first = await take(store, 10)
        assert numbers(first) == list(range(1, 11))
        await redis.pexpire(taken_key(CAMERA), 2000)
        wait_until(lambda: viewer.redis.pttl(taken_key(CAMERA)) > 5000, "the mark's life to be renewed")
        assert numbers(await take(store, 10)) == list(range(11, 21)), "another gateway goes on where the first ended"
    assert 0 < viewer.redis.pttl(frames_key(CAMERA)) <= FRAMES_TTL_S * 1000, "no picture outlives its capture for long"


async def test_a_frame_that_was_not_acknowledged_comes_again(
    redis_server: RedisServer, store: RedisRecorded, tmp_path: Path
) -> None:
    with playing(redis_server, tmp_path):
        (first,) = await take(store, 1)
        second = await the_next(store, first)
        again = await the_next(store, None)
        assert numbers([second, again]) == [2, 2]
        ahead = await the_next(store, await the_next(store, second))
        assert ahead.frame.message.seq == 4, "one may read ahead of what one has acknowledged"


async def test_redis_lost_and_back_empty_loses_no_frame(
    redis_server: RedisServer, store: RedisRecorded, tmp_path: Path
) -> None:
    with playing(redis_server, tmp_path) as capture:
        before = await take(store, 10)
        redis_server.stop()
        capture.wait_until_logged("waits for Redis")
        redis_server.start()
        after = await take(store, FRAMES - 10, before[-1])
        assert numbers(before + after) == list(range(1, FRAMES + 1))
        assert capture.log().count("waits for Redis") == 1


async def test_frames_published_again_are_not_given_again(redis: Redis, store: RedisRecorded) -> None:
    async def publish(seq: int) -> None:
        message = FrameMessage(b"jpeg", seq * 40_000, 0, 64, 48, seq, "a1")
        await redis.xadd(frames_key(CAMERA), dict(message.encode().items()))

    await publish(1)
    await publish(2)
    (first,) = await take(store, 1)
    second = await the_next(store, first)
    await redis.xtrim(frames_key(CAMERA), 0, approximate=False)
    for seq in (1, 2, 3):
        await publish(seq)
    assert (await the_next(store, second)).frame.message.seq == 3
    assert (await the_next(store, None)).frame.message.seq == 2, "only the first was acknowledged"


async def test_a_mark_that_was_lost_with_its_frames_is_set_again(redis: Redis, store: RedisRecorded) -> None:
    """Else capture, which publishes again what it takes for untaken, would wait for ever."""

    async def publish(*numbers: int) -> None:
        for seq in numbers:
            message = FrameMessage(b"jpeg", seq * 40_000, 0, 64, 48, seq, "a1")
            await redis.xadd(frames_key(CAMERA), dict(message.encode().items()))

    await publish(1, 2, 3, 4)
    taken = await take(store, 3)
    ahead = await the_next(store, taken[-1])
    await redis.delete(taken_key(CAMERA))
    await redis.xtrim(frames_key(CAMERA), 0, approximate=False)
    await publish(1, 2, 3, 4)
    assert await store.following(CAMERA, ahead, wait_s=0) is None
    assert await redis.get(taken_key(CAMERA)) == b"a1 3", "as far as it was acknowledged, not as far as it was read"


@pytest.mark.parametrize("mark", ["", "nonsense", "a1 x"])
async def test_a_mark_that_cannot_be_read_marks_nothing(redis: Redis, store: RedisRecorded, mark: str) -> None:
    message = FrameMessage(b"jpeg", 0, 0, 64, 48, 1, "a1")
    await redis.xadd(frames_key(CAMERA), dict(message.encode().items()))
    await redis.set(taken_key(CAMERA), mark)
    assert (await the_next(store, None)).frame.message.seq == 1


async def test_what_cannot_be_read_is_left_out(redis: Redis, store: RedisRecorded) -> None:
    await redis.xadd(frames_key(CAMERA), {"jpeg": b"x"})
    await redis.xadd(frames_key(CAMERA), dict(FrameMessage(b"live", 1, 1, 64, 48, 1).encode().items()))
    for seq in (1, 2):
        message = FrameMessage(b"jpeg", 0, 0, 64, 48, seq, "a1")
        await redis.xadd(frames_key(CAMERA), dict(message.encode().items()))
    assert numbers(await take(store, 2)) == [1, 2]
    assert await store.following("elsewhere", None, wait_s=0) is None


async def test_a_recorded_frame_is_never_too_old(redis: Redis, store: RedisRecorded) -> None:
    await redis.zadd(CAMERAS_KEY, {CAMERA: time()})
    message = FrameMessage(b"jpeg", 1_500_000, 0, 64, 48, 38, "a1")
    yesterday_ms = round((time() - 86_400) * 1000)
    await redis.xadd(frames_key(CAMERA), dict(message.encode().items()), id=f"{yesterday_ms}-0")
    status = CameraStatus(CameraState.ONLINE, "film", 25.0, 64, 48, 1, 0, 0, "", recorded=True)
    await redis.hset(status_key(CAMERA), mapping=dict(status.encode().items()))
    known = await store.known_camera(CAMERA, Deadline.after(1))
    assert known is not None
    assert known.newest is not None
    assert (known.newest.age_ms(), known.newest.frame_id) == (0.0, "1500-38")
    assert known.newest.captured_at() == "1970-01-01T00:00:01.500000Z"


async def test_a_frame_that_comes_while_one_waits_is_given_at_once(redis: Redis, store: RedisRecorded) -> None:
    waiting = asyncio.create_task(store.following(CAMERA, None, wait_s=2))
    await asyncio.sleep(0)
    await redis.xadd(frames_key(CAMERA), dict(FrameMessage(b"jpeg", 0, 0, 64, 48, 1, "a1").encode().items()))
    found = await waiting
    assert found is not None
    assert found.frame.message.seq == 1


async def test_redis_gone_is_a_problem_that_names_it(redis_server: RedisServer, store: RedisRecorded) -> None:
    redis_server.stop()
    with pytest.raises(ProblemError) as gone:
        await store.following(CAMERA, None, wait_s=0)
    assert gone.value.problem.extensions == {"dependency": "redis"}


async def test_only_commands_that_redis_62_knows_are_sent(
    redis_server: RedisServer, redis: Redis, store: RedisRecorded, tmp_path: Path
) -> None:
    with playing(redis_server, tmp_path):
        await take(store, 5)
    assert (await redis.info("stats"))["total_error_replies"] == 0
