"""Batches form on a real event loop and run in real threads; only the model is none."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.serving.batcher import Batcher
from services.serving.batching_config import BatchingConfig
from services.serving.errors import InternalError, InvalidArgumentError, UnavailableError
from services.serving.monitoring import Monitoring
from services.serving.signature import Computation
from services.serving.together import Computer, Outputs
from tests.unit.serving.rows import Doubler, rows

SOON = BatchingConfig(largest_task=4, largest_batch=4, timeout_s=0.02, threads=1, most_batches=2)
LATE = BatchingConfig(largest_task=4, largest_batch=4, timeout_s=60.0, threads=1, most_batches=2)


class HeldDoubler(Doubler):
    """Computes once it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()
        self.began = threading.Event()

    def compute(self, computation: Computation) -> Outputs:
        self.began.set()
        assert self.released.wait(10)
        return super().compute(computation)


class Faulty:
    def compute(self, computation: Computation) -> Outputs:
        raise ZeroDivisionError(computation)


@asynccontextmanager
async def batching(config: BatchingConfig, monitoring: Monitoring | None = None) -> AsyncIterator[Batcher]:
    batcher = Batcher(config, monitoring or Monitoring())
    yield batcher
    batcher.close()


async def ask(batcher: Batcher, computer: Computer, *values: list[float]) -> list[list[float]]:
    outputs = await batcher.compute(computer, rows(*values), len(values))
    answer: list[list[float]] = outputs["y"].tolist()
    return answer


async def test_requests_that_wait_are_computed_together() -> None:
    doubler, monitoring = Doubler(), Monitoring()
    async with batching(SOON, monitoring) as batcher:
        answers = [*await asyncio.gather(ask(batcher, doubler, [1], [2]), ask(batcher, doubler, [3]))]
    assert answers == [[[2], [4]], [[6]]]
    assert [x.tolist() for x in doubler.asked] == [[[1], [2], [3]]]
    assert ":tensorflow:serving:batching_session:wrapped_run_count{} 1" in monitoring.text()
    assert ':queuing_latency_count{thread_pool_name="batch_threads"} 2' in monitoring.text()


async def test_a_full_batch_waits_for_nothing() -> None:
    doubler = Doubler()
    async with batching(LATE) as batcher:
        await asyncio.gather(*(ask(batcher, doubler, [number], [number]) for number in range(4)))
    assert [len(x) for x in doubler.asked] == [4, 4]


async def test_different_rows_and_different_versions_never_mix() -> None:
    doubler, other = Doubler(), Doubler()
    async with batching(SOON) as batcher:
        answers = await asyncio.gather(
            ask(batcher, doubler, [1, 2]),
            ask(batcher, doubler, [3]),
            ask(batcher, doubler, [4, 5]),
            ask(batcher, other, [6]),
        )
    assert [*answers] == [[[2, 4]], [[6]], [[8, 10]], [[12]]]
    assert [x.shape for x in doubler.asked] == [(2, 2), (1, 1)]
    assert [x.shape for x in other.asked] == [(1, 1)]


async def test_too_many_that_wait_are_refused_and_the_others_are_answered() -> None:
    doubler = HeldDoubler()
    async with batching(SOON) as batcher:
        running = [asyncio.create_task(ask(batcher, doubler, *[[1.0]] * 4))]
        await asyncio.to_thread(doubler.began.wait, 10)
        running += [asyncio.create_task(ask(batcher, doubler, *[[1.0]] * 4)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError) as caught:
            await ask(batcher, doubler, [1])
        assert str(caught.value) == "The batch scheduling queue to which this task was submitted is full"
        doubler.released.set()
        assert await asyncio.gather(*running) == [[[2]] * 4] * 3
        assert await ask(batcher, doubler, [2]) == [[4]]


async def test_who_leaves_is_not_computed() -> None:
    doubler = HeldDoubler()
    async with batching(SOON) as batcher:
        first = asyncio.create_task(ask(batcher, doubler, *[[1.0]] * 4))
        await asyncio.to_thread(doubler.began.wait, 10)
        leaving, staying = (asyncio.create_task(ask(batcher, doubler, [number])) for number in (2, 3))
        await asyncio.sleep(0)
        leaving.cancel()
        doubler.released.set()
        assert await staying == [[6]]
        await first
    assert [x.tolist() for x in doubler.asked[1:]] == [[[3]]]


async def test_a_request_over_the_limit_is_refused() -> None:
    async with batching(LATE) as batcher:
        with pytest.raises(InvalidArgumentError, match="Task size 5 is larger than maximum input batch size 4"):
            await ask(batcher, Doubler(), *[[1.0]] * 5)


async def test_a_fault_is_told_to_everybody_and_the_thread_goes_on() -> None:
    async with batching(SOON) as batcher:
        results = await asyncio.gather(
            *(ask(batcher, Faulty(), [1]) for _ in range(3)), ask(batcher, Doubler(), [1]), return_exceptions=True
        )
    assert [type(result) for result in results] == [InternalError] * 3 + [list]
