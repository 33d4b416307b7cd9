import asyncio
from collections.abc import Callable

import pytest

from services.contracts.detection import Detection, DetectTimings, SearchScope
from services.contracts.geometry import Box, ImageSize
from services.detector.health import STUCK_AFTER_S, PoolCheck
from services.detector.options import DetectOptions
from services.detector.pool import DetectorPool, QueueFullError, QueueTimeoutError
from services.detector.worker_process import WorkerEnd, WorkerEndedError, WorkerStartError
from services.detector.worker_protocol import (
    REQUEST_PREFIX,
    ReplyKind,
    WorkerFailedError,
    decode_options,
    decode_reply,
    encode_detection,
    encode_error,
    encode_request,
)
from services.runtime.images import ImageTooLargeError, InvalidImageError
from tests.support.clock import FakeClock

IMAGE = b"picture"
NOTHING = encode_detection(Detection(ImageSize(9, 9), SearchScope.FULL, (), DetectTimings(1, 2, 3, 6)))


class Gate:
    """Stands for worker processes: they work until they are let go on, and it notes how many at the same time."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.reply = NOTHING
        self.working = self.most = self.started = 0
        self.failures_to_start = 0
        self.workers: list[GatedWorker] = []

    async def start(self, on_end: Callable[[WorkerEnd], None]) -> "GatedWorker":
        self.started += 1
        if self.failures_to_start:
            self.failures_to_start -= 1
            raise WorkerStartError("no memory")
        self.workers.append(GatedWorker(self, on_end))
        return self.workers[-1]


class GatedWorker:
    def __init__(self, gate: Gate, on_end: Callable[[WorkerEnd], None]) -> None:
        self._gate = gate
        self._on_end = on_end
        self._ended = asyncio.Event()
        self._end = WorkerEnd.KILLED
        self.closed = False

    @property
    def alive(self) -> bool:
        return not self._ended.is_set()

    async def exchange(self, request: bytes, image: bytes) -> bytes:
        assert request
        assert image == IMAGE or image.startswith(b"\x89PNG")
        gate = self._gate
        gate.working += 1
        gate.most = max(gate.most, gate.working)
        opened, ended = (asyncio.ensure_future(event.wait()) for event in (gate.open, self._ended))
        await asyncio.wait({opened, ended}, return_when=asyncio.FIRST_COMPLETED)
        for waiter in (opened, ended):
            waiter.cancel()
        gate.working -= 1
        if not self.alive:
            raise WorkerEndedError(self._end)
        return gate.reply

    def end(self, end: WorkerEnd) -> None:
        self._end = end
        self._ended.set()
        self._on_end(end)

    async def close(self) -> None:
        self.closed = True


async def pool_of(
    gate: Gate, workers: int, queue_size: int, max_wait_s: float = 60, clock: FakeClock | None = None
) -> DetectorPool:
    pool = DetectorPool(gate.start, workers, queue_size, max_wait_s, clock=clock or FakeClock(), retry_s=0.001)
    await pool.open()
    return pool


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the pool has no event to wait for
            await asyncio.sleep(0.001)


async def test_what_does_not_fit_is_refused_at_once() -> None:
    pool = await pool_of(gate := Gate(), workers=2, queue_size=1)
    tasks = [asyncio.create_task(pool.detect(IMAGE, DetectOptions())) for _ in range(3)]
    await until(lambda: gate.working == 2)
    with pytest.raises(QueueFullError):
        await pool.detect(IMAGE, DetectOptions())
    gate.open.set()
    assert [answer.faces for answer in await asyncio.gather(*tasks)] == [0, 0, 0]
    assert gate.most == 2
    assert pool.in_flight == 0
    await pool.close()
    assert all(worker.closed for worker in gate.workers)


async def test_heavy_images_leave_a_worker_to_others() -> None:
    pool = await pool_of(gate := Gate(), workers=3, queue_size=9)
    heavy = [asyncio.create_task(pool.detect(IMAGE, DetectOptions(), heavy=True)) for _ in range(4)]
    await until(lambda: gate.working == 2)
    with pytest.raises(QueueFullError):
        await pool.detect(IMAGE, DetectOptions(), heavy=True)
    light = asyncio.create_task(pool.detect(IMAGE, DetectOptions()))
    await until(lambda: gate.working == 3)
    gate.open.set()
    await asyncio.gather(*heavy, light)
    assert gate.most == 3
    assert pool.in_flight == 0
    await pool.close()


async def test_slow_heavy_images_do_not_have_others_refused() -> None:
    clock = FakeClock()
    pool = await pool_of(gate := Gate(), workers=2, queue_size=10, max_wait_s=0.05, clock=clock)
    first = asyncio.create_task(pool.detect(IMAGE, DetectOptions(), heavy=True))
    await until(lambda: gate.working == 1)
    clock.advance(0.2)
    gate.open.set()
    await first
    gate.open.clear()
    heavy = asyncio.create_task(pool.detect(IMAGE, DetectOptions(), heavy=True))
    await until(lambda: gate.working == 1)
    with pytest.raises(QueueFullError):
        await pool.detect(IMAGE, DetectOptions(), heavy=True)  # it would wait for as long as the first one took
    light = asyncio.create_task(pool.detect(IMAGE, DetectOptions()))
    await until(lambda: gate.working == 2)
    gate.open.set()
    await asyncio.gather(heavy, light)
    await pool.close()


async def test_a_pool_of_one_worker_takes_heavy_images_too() -> None:
    pool = await pool_of(gate := Gate(), workers=1, queue_size=0)
    gate.open.set()
    assert (await pool.detect(IMAGE, DetectOptions(), heavy=True)).faces == 0
    await pool.close()


async def test_a_heavy_image_whose_caller_goes_away_gives_its_place_back() -> None:
    pool = await pool_of(gate := Gate(), workers=2, queue_size=4)
    working = asyncio.create_task(pool.detect(IMAGE, DetectOptions(), heavy=True))
    await until(lambda: gate.working == 1)
    waiting = asyncio.create_task(pool.detect(IMAGE, DetectOptions(), heavy=True))
    await asyncio.sleep(0)
    waiting.cancel()
    gate.open.set()
    await working
    await until(lambda: pool.in_flight == 0)
    await asyncio.gather(*(pool.detect(IMAGE, DetectOptions(), heavy=True) for _ in range(2)))
    await pool.close()


async def test_a_caller_who_goes_away_leaves_the_worker_counted_as_busy() -> None:
    pool = await pool_of(gate := Gate(), workers=1, queue_size=0)
    task = asyncio.create_task(pool.detect(IMAGE, DetectOptions()))
    await until(lambda: gate.working == 1)
    task.cancel()
    await asyncio.sleep(0)
    with pytest.raises(QueueFullError):
        await pool.detect(IMAGE, DetectOptions())
    gate.open.set()
    await until(lambda: pool.in_flight == 0)
    await pool.detect(IMAGE, DetectOptions())
    await pool.close()


async def test_a_caller_who_goes_away_before_a_worker_was_free_costs_no_work() -> None:
    pool = await pool_of(gate := Gate(), workers=1, queue_size=1)
    first = asyncio.create_task(pool.detect(IMAGE, DetectOptions()))
    await until(lambda: gate.working == 1)
    second = asyncio.create_task(pool.detect(IMAGE, DetectOptions()))
    await until(lambda: pool.in_flight == 2)
    second.cancel()
    await until(lambda: pool.in_flight == 1)
    gate.open.set()
    await first
    assert gate.most == 1
    assert (await pool.detect(IMAGE, DetectOptions())).faces == 0
    await pool.close()


async def test_what_waited_too_long_is_refused_unworked() -> None:
    pool = await pool_of(gate := Gate(), workers=1, queue_size=8, max_wait_s=0.01)
    first = asyncio.create_task(pool.detect(IMAGE, DetectOptions()))
    await until(lambda: gate.working == 1)
    late = [asyncio.create_task(pool.detect(IMAGE, DetectOptions())) for _ in range(8)]
    results = await asyncio.gather(*late, return_exceptions=True)
    assert [type(result) for result in results] == [QueueTimeoutError] * 8
    assert pool.in_flight == 1
    gate.open.set()
    assert (await first).faces == 0
    assert (await pool.detect(IMAGE, DetectOptions())).faces == 0
    await pool.close()


async def test_what_would_wait_too_long_is_refused_at_once() -> None:
    clock = FakeClock()
    pool = await pool_of(gate := Gate(), workers=1, queue_size=100, max_wait_s=0.5, clock=clock)
    first = asyncio.create_task(pool.detect(IMAGE, DetectOptions()))
    await until(lambda: gate.working == 1)
    clock.advance(0.2)
    gate.open.set()
    await first  # so an image takes 0.2 s
    gate.open.clear()
    working = asyncio.create_task(pool.detect(IMAGE, DetectOptions()))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(pool.detect(IMAGE, DetectOptions())) for _ in range(20)]
    await asyncio.sleep(0)
    refused = [task for task in waiting if task.done()]
    assert len(refused) >= 18
    assert all(isinstance(task.exception(), QueueFullError) for task in refused)
    gate.open.set()
    await asyncio.gather(working, *waiting, return_exceptions=True)
    assert (await pool.detect(IMAGE, DetectOptions())).faces == 0
    await pool.close()


async def test_what_could_not_be_finished_in_time_is_refused_unless_a_worker_is_idle() -> None:
    clock = FakeClock()
    pool = await pool_of(gate := Gate(), workers=1, queue_size=8, clock=clock)
    slow = asyncio.create_task(pool.detect(IMAGE, DetectOptions()))
    await until(lambda: gate.working == 1)
    clock.advance(0.2)
    gate.open.set()
    await slow  # so an image takes 0.2 s
    assert (await pool.detect(IMAGE, DetectOptions(), clock() + 0.1)).faces == 0
    gate.open.clear()
    for _ in range(2):  # the median of what was taken is that of the slow one again
        slow = asyncio.create_task(pool.detect(IMAGE, DetectOptions()))
        await until(lambda: gate.working == 1)
        clock.advance(0.2)
        gate.open.set()
        await slow
        gate.open.clear()
    busy = asyncio.create_task(pool.detect(IMAGE, DetectOptions()))
    await asyncio.sleep(0)
    with pytest.raises(QueueFullError):
        await pool.detect(IMAGE, DetectOptions(), clock() + 0.3)
    waiting = asyncio.create_task(pool.detect(IMAGE, DetectOptions(), clock() + 60))
    await asyncio.sleep(0)
    gate.open.set()
    assert [answer.faces for answer in await asyncio.gather(busy, waiting)] == [0, 0]
    await pool.close()


async def test_readiness_needs_an_answer_or_progress() -> None:
    clock = FakeClock()
    pool = await pool_of(gate := Gate(), workers=1, queue_size=0, clock=clock)
    check = PoolCheck(pool)
    gate.open.set()
    assert await check() == "idle"
    gate.open.clear()
    task = asyncio.create_task(pool.detect(IMAGE, DetectOptions()))
    await asyncio.sleep(0)
    assert await check() == "1 in flight"
    clock.advance(STUCK_AFTER_S + 1)
    with pytest.raises(RuntimeError, match="no image was finished for 6 s"):
        await check()
    gate.open.set()
    await task
    await pool.close()


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (WorkerEnd.OVERRAN, ImageTooLargeError),
        (WorkerEnd.CRASHED, InvalidImageError),
        (WorkerEnd.SILENT, WorkerEndedError),
        (WorkerEnd.KILLED, WorkerEndedError),
    ],
)
async def test_a_worker_that_ends_is_replaced_and_only_its_own_caller_hears_of_it(
    end: WorkerEnd, error: type[Exception]
) -> None:
    ends: list[WorkerEnd] = []
    pool = DetectorPool((gate := Gate()).start, 1, 5, 60, ends.append, retry_s=0.001)
    await pool.open()
    first = asyncio.create_task(pool.detect(IMAGE, DetectOptions()))
    await until(lambda: gate.working == 1)
    others = [asyncio.create_task(pool.detect(IMAGE, DetectOptions())) for _ in range(3)]
    await until(lambda: pool.in_flight == 4)
    gate.workers[0].end(end)
    with pytest.raises(error):
        await first
    gate.open.set()
    assert [answer.faces for answer in await asyncio.gather(*others)] == [0, 0, 0]
    assert (gate.started, ends, pool.in_flight) == (2, [end], 0)
    await pool.close()


async def test_an_idle_worker_that_ends_is_replaced_before_anybody_asks() -> None:
    pool = await pool_of(gate := Gate(), workers=2, queue_size=0)
    for worker in gate.workers[:]:
        worker.end(WorkerEnd.KILLED)
    await until(lambda: gate.started == 4)
    gate.open.set()
    await asyncio.gather(*(pool.detect(IMAGE, DetectOptions()) for _ in range(2)))
    await pool.close()


async def test_a_worker_that_does_not_start_is_tried_again() -> None:
    pool = await pool_of(gate := Gate(), workers=1, queue_size=0)
    gate.failures_to_start = 2
    gate.workers[0].end(WorkerEnd.KILLED)
    gate.open.set()
    assert (await pool.detect(IMAGE, DetectOptions())).faces == 0
    assert gate.started == 4
    await pool.close()


async def test_a_pool_whose_workers_do_not_start_does_not_open() -> None:
    gate = Gate()
    gate.failures_to_start = 1
    pool = DetectorPool(gate.start, 2, 0, 60)
    with pytest.raises(WorkerStartError):
        await pool.open()
    await pool.close()
    assert all(worker.closed for worker in gate.workers)


async def test_no_worker_is_started_by_a_pool_that_closes() -> None:
    pool = await pool_of(gate := Gate(), workers=1, queue_size=0)
    gate.failures_to_start = 10**6
    gate.workers[0].end(WorkerEnd.KILLED)
    await until(lambda: gate.started >= 2)
    await pool.close()
    started = gate.started
    for _ in range(10):
        await asyncio.sleep(0)
    assert gate.started == started


def test_options_are_sent_to_the_worker_unchanged() -> None:
    options = DetectOptions(
        (Box(-1, 2, 30, 40), Box(5, 6, 7, 8)), fallback_full=False, incremental=True, reference=bytes(range(64)) * 36
    )
    for sent in (options, DetectOptions()):
        assert decode_options(encode_request(sent, 5)[REQUEST_PREFIX.size :]) == sent


def test_an_answer_comes_over_with_what_is_counted() -> None:
    detection = Detection(ImageSize(9, 9), SearchScope.CHANGED, (), DetectTimings(1, 2, 3, 6))
    answer = decode_reply(encode_detection(detection))
    assert (answer.faces, answer.scope) == (0, SearchScope.CHANGED)
    assert answer.seconds == {"decode": 0.001, "search": 0.002, "crop": 0.003}
    assert answer.body.startswith(b'{"image":{"width":9')


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (InvalidImageError("cut off"), InvalidImageError),
        (ImageTooLargeError("9 × 9"), ImageTooLargeError),
        (KeyError("what"), WorkerFailedError),
    ],
)
def test_an_error_comes_over_with_its_text(error: Exception, raised: type[Exception]) -> None:
    with pytest.raises(raised, match=str(error)):
        decode_reply(encode_error(error))


def test_a_worker_without_a_cascade_says_so() -> None:
    with pytest.raises(WorkerFailedError, match="gone"):
        decode_reply(bytes([ReplyKind.NO_CASCADE]) + b"gone")
