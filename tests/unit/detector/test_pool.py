import asyncio
import threading
import time

import numpy as np
import pytest

from services.detector.cascade import CascadeError, HaarCascade, Hit
from services.detector.confirm import SearchParameters
from services.detector.pool import DetectorPool, PoolFullError, WaitedTooLongError
from services.detector.readiness import PoolCheck
from services.detector.search import FaceSearch
from services.detector.where import Where
from tests import pictures
from tests.waiting import wait_until

PARAMETERS = SearchParameters(1.1, 5, 48)
IMAGE = pictures.encode(np.zeros((50, 50, 3), np.uint8), ".png")


class Gate:
    """A finder that waits until it is let go on, and notes how many work at the same time."""

    window_px = 20

    def __init__(self) -> None:
        self.open = threading.Event()
        self.working = 0
        self.most = 0
        self._lock = threading.Lock()

    def hits(self, *_: object) -> list[Hit]:
        with self._lock:
            self.working += 1
            self.most = max(self.most, self.working)
        self.open.wait(10)
        with self._lock:
            self.working -= 1
        return []


def pool_of(gate: Gate, workers: int, waiting: int, max_wait_s: float = 60) -> DetectorPool:
    return DetectorPool([FaceSearch(gate, PARAMETERS, 1280) for _ in range(workers)], waiting, max_wait_s, 10**6)


async def test_what_does_not_fit_is_refused_at_once() -> None:
    pool = pool_of(gate := Gate(), workers=2, waiting=1)
    tasks = [asyncio.create_task(pool.detect(IMAGE, Where())) for _ in range(3)]
    await asyncio.to_thread(wait_until, lambda: gate.working == 2, "both workers to be busy")
    with pytest.raises(PoolFullError):
        await pool.detect(IMAGE, Where())
    gate.open.set()
    assert [detection.faces for detection in await asyncio.gather(*tasks)] == [(), (), ()]
    assert gate.most == 2
    await asyncio.sleep(0)
    assert pool.in_flight == 0
    pool.close()


async def test_a_caller_who_goes_away_leaves_the_worker_counted_as_busy() -> None:
    pool = pool_of(gate := Gate(), workers=1, waiting=0)
    task = asyncio.create_task(pool.detect(IMAGE, Where()))
    await asyncio.to_thread(wait_until, lambda: gate.working == 1, "the worker to be busy")
    task.cancel()
    await asyncio.sleep(0)
    with pytest.raises(PoolFullError):
        await pool.detect(IMAGE, Where())
    gate.open.set()
    async with asyncio.timeout(10):
        await _until_idle(pool)
    await pool.detect(IMAGE, Where())
    pool.close()


async def test_what_waited_too_long_is_refused_unworked() -> None:
    pool = pool_of(gate := Gate(), workers=1, waiting=8, max_wait_s=0.05)
    first = asyncio.create_task(pool.detect(IMAGE, Where()))
    await asyncio.to_thread(wait_until, lambda: gate.working == 1, "the worker to be busy")
    late = [asyncio.create_task(pool.detect(IMAGE, Where())) for _ in range(8)]
    await asyncio.sleep(0.1)
    gate.open.set()
    assert (await first).faces == ()
    results = await asyncio.gather(*late, return_exceptions=True)
    assert [type(result) for result in results] == [WaitedTooLongError] * 8
    assert (await pool.detect(IMAGE, Where())).faces == ()
    pool.close()


async def test_what_would_wait_too_long_is_refused_at_once() -> None:
    pool = pool_of(gate := Gate(), workers=1, waiting=100, max_wait_s=0.5)
    first = asyncio.create_task(pool.detect(IMAGE, Where()))
    await asyncio.to_thread(wait_until, lambda: gate.working == 1, "the worker to be busy")
    await asyncio.sleep(0.2)
    gate.open.set()
    await first  # so an image takes 0.2 s or more
    gate.open.clear()
    working = asyncio.create_task(pool.detect(IMAGE, Where()))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(pool.detect(IMAGE, Where())) for _ in range(20)]
    await asyncio.sleep(0)
    refused = [task for task in waiting if task.done()]
    assert len(refused) >= 18
    assert all(isinstance(task.exception(), PoolFullError) for task in refused)
    gate.open.set()
    await asyncio.gather(working, *waiting, return_exceptions=True)
    assert (await pool.detect(IMAGE, Where())).faces == ()
    pool.close()


async def test_what_could_not_be_finished_in_time_is_refused_unless_a_worker_is_idle() -> None:
    pool = pool_of(gate := Gate(), workers=1, waiting=8)
    first = asyncio.create_task(pool.detect(IMAGE, Where()))
    await asyncio.to_thread(wait_until, lambda: gate.working == 1, "the worker to be busy")
    await asyncio.sleep(0.2)
    gate.open.set()
    await first  # so an image takes 0.2 s or more
    assert (await pool.detect(IMAGE, Where(), time.monotonic() + 0.1)).faces == ()
    pool_of_slow = pool_of(gate := Gate(), workers=1, waiting=8)
    slow = asyncio.create_task(pool_of_slow.detect(IMAGE, Where()))
    await asyncio.to_thread(wait_until, lambda: gate.working == 1, "the worker to be busy")
    await asyncio.sleep(0.2)
    gate.open.set()
    await slow
    gate.open.clear()
    busy = asyncio.create_task(pool_of_slow.detect(IMAGE, Where()))
    await asyncio.sleep(0)
    with pytest.raises(PoolFullError):
        await pool_of_slow.detect(IMAGE, Where(), time.monotonic() + 0.3)
    waiting = asyncio.create_task(pool_of_slow.detect(IMAGE, Where(), time.monotonic() + 60))
    await asyncio.sleep(0)
    gate.open.set()
    assert [result.faces for result in await asyncio.gather(busy, waiting)] == [(), ()]
    for each in (pool, pool_of_slow):
        each.close()


async def _until_idle(pool: DetectorPool) -> None:
    while pool.in_flight:  # noqa: ASYNC110 - the pool has no event to wait for
        await asyncio.sleep(0.001)


async def test_an_idle_pool_is_tried_and_a_busy_one_must_get_on() -> None:
    pool = pool_of(gate := Gate(), workers=1, waiting=0)
    check = PoolCheck(pool)
    gate.open.set()
    assert await check() == "idle"
    gate.open.clear()
    task = asyncio.create_task(pool.detect(IMAGE, Where()))
    await asyncio.sleep(0)
    assert await check() == "1 in flight"
    with pytest.raises(RuntimeError, match="nothing was finished for"):
        await PoolCheck(pool, stuck_after_s=0)()
    gate.open.set()
    await task
    pool.close()


@pytest.mark.parametrize("name", ["no_such_cascade", "/nonexistent.xml"])
def test_a_cascade_that_is_not_there(name: str) -> None:
    with pytest.raises(CascadeError, match="no cascade at"):
        HaarCascade(name)
