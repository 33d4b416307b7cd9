"""A bounded pool of worker processes: what can't be answered in time is refused, and work that overruns is ended."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Protocol

from services.detector.options import Where
from services.detector.worker_process import WorkerEnd, WorkerEndedError, WorkerStartError
from services.detector.worker_protocol import Answer, decode_reply, encode_request
from services.runtime.images import ImageTooLargeError, InvalidImageError

_JUDGED_BY = 9
"""So many of the last images tell how long one takes; their median minds no huge one and no standstill."""

_FIRST_RETRY_S, _LAST_RETRY_S = 0.1, 5.0

_log = logging.getLogger(__name__)


class PoolFullError(Exception):
    """Every worker is busy, and as many images wait as may, or as can be begun or finished in time."""


class WaitedTooLongError(Exception):
    """No worker came free in time."""


class Worker(Protocol):
    """Works on one image at a time; ``WorkerProcess`` does."""

    @property
    def alive(self) -> bool:
        """Whether it can take an image."""

    async def exchange(self, request: bytes, image: bytes) -> bytes:
        """Send a request and return the reply.

        Raises:
            WorkerEndedError: It ended before it replied.
        """

    async def close(self) -> None:
        """End it."""


class StartWorker(Protocol):
    """Starts workers."""

    async def __call__(self, on_end: Callable[[WorkerEnd], None]) -> Worker:
        """Start one.

        Args:
            on_end: Called once, when it has ended, unless it was closed.

        Raises:
            WorkerStartError: It didn't start.
        """


class _Lane:
    """Images of one kind: how many may be worked on at the same time, and how long the last ones took."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.free = asyncio.Semaphore(slots)
        self.in_flight = 0
        self._seconds_taken: deque[float] = deque(maxlen=_JUDGED_BY)

    @property
    def running(self) -> int:
        return min(self.in_flight, self.slots)

    def took(self, seconds: float) -> None:
        self._seconds_taken.append(seconds)

    def seconds_each(self) -> float:
        return median(self._seconds_taken) if self._seconds_taken else 0.0


class DetectorPool:
    """Works on as many images at a time as it has workers, and replaces workers that end.

    Heavy images, which may take seconds, leave one worker to the others, and take a third of all places at most: so
    they keep nobody with an ordinary image from being answered. A pool of one worker has none to leave.
    """

    def __init__(
        self,
        start: StartWorker,
        workers: int,
        waiting: int,
        max_wait_s: float,
        on_end: Callable[[WorkerEnd], None] = lambda _: None,
    ) -> None:
        """Prepare a pool; ``open`` starts the workers.

        Args:
            start: Starts a worker.
            workers: How many.
            waiting: Images that may wait beyond those being worked on.
            max_wait_s: How long each may wait.
            on_end: Called for each worker that ended by itself or from outside.
        """
        self._start = start
        self._workers = workers
        self._capacity = workers + waiting
        self._max_wait_s = max_wait_s
        self._on_end = on_end
        self._running: set[Worker] = set()
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()  # the last one's memory is still in the caches
        self._tasks: set[asyncio.Task[None]] = set()
        self._light, self._heavy = _Lane(workers), _Lane(max(1, workers - 1))
        self._max_heavy = max(self._heavy.slots, self._capacity // 3)
        self._progress_at = time.monotonic()

    @property
    def capacity(self) -> int:
        """Most images that are worked on or wait."""
        return self._capacity

    @property
    def in_flight(self) -> int:
        """Images being worked on or waiting."""
        return self._light.in_flight + self._heavy.in_flight

    @property
    def seconds_since_progress(self) -> float:
        """Since an image was finished, or began to be worked on in an idle pool."""
        return time.monotonic() - self._progress_at

    async def open(self) -> None:
        """Start the workers.

        Raises:
            WorkerStartError: One of them didn't start.
        """
        started = await asyncio.gather(*(self._add_worker() for _ in range(self._workers)), return_exceptions=True)
        for outcome in started:
            if isinstance(outcome, BaseException):
                raise outcome

    async def close(self) -> None:
        """End the workers, with what they still work on for callers who have gone."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(worker.close() for worker in self._running))
        self._running.clear()

    async def detect(self, data: bytes, where: Where, done_by_s: float | None = None, *, heavy: bool = False) -> Answer:
        """Find the faces of an image; see ``services.detector.pipeline``.

        Args:
            data: The image.
            where: Where to look.
            done_by_s: When the caller stops waiting, by the monotonic clock; None if never.
            heavy: Whether it may take long; see ``services.detector.api``.

        Raises:
            PoolFullError: No room for one more, or no hope that a worker comes free in time.
            WaitedTooLongError: No worker came free in time.
            InvalidImageError: It can't be decoded.
            ImageTooLargeError: It has too many pixels, or takes too much time or memory.
            WorkerEndedError: The worker was ended from outside, or didn't reply in time for want of processor time.
            WorkerFailedError: The worker met an error of its own.
        """
        lane = self._heavy if heavy else self._light
        begin_within_s = self._may_wait_s(lane, done_by_s)
        full = self.in_flight >= self._capacity or (heavy and lane.in_flight >= self._max_heavy)
        if full or self._expected_wait_s(lane) > begin_within_s:
            raise PoolFullError
        if self.in_flight == 0:
            self._progress_at = time.monotonic()
        lane.in_flight += 1
        try:
            worker = await self._next_idle(lane, begin_within_s)
        except BaseException:
            self._count_down(lane)
            raise
        # Counted down when the work ends, not when the caller goes away: the worker is busy until then.
        work = asyncio.ensure_future(self._work(lane, worker, encode_request(where, len(data)), data))
        try:
            return decode_reply(await asyncio.shield(work))
        except WorkerEndedError as error:
            raise _explained(error) from error
        finally:
            # An error's traceback leads to this frame; the task, which holds the error, would close
            # a cycle that keeps the image until the garbage collector comes.
            del work

    def _may_wait_s(self, lane: _Lane, done_by_s: float | None) -> float:
        """Return how long an image may wait; where a worker is idle it is tried, however long the last ones took."""
        if done_by_s is None:
            return self._max_wait_s
        left_s = done_by_s - time.monotonic()
        return min(self._max_wait_s, left_s if self._ahead(lane) <= 0 else left_s - lane.seconds_each())

    def _expected_wait_s(self, lane: _Lane) -> float:
        """Return how long one more image would wait for a worker, judged by the last ones."""
        return max(0, self._ahead(lane)) * lane.seconds_each() / lane.slots

    def _ahead(self, lane: _Lane) -> int:
        """Return how many images must end before one more is begun; not above 0 where none must."""
        others = self._heavy.running if lane is self._light else 0
        return lane.in_flight + others - lane.slots + 1

    async def _next_idle(self, lane: _Lane, within_s: float) -> Worker:
        # After this time the caller has given up or is about to. Working on its image would only make the next ones
        # wait as long: once overloaded, the detector would answer everything too late for good.
        try:
            async with asyncio.timeout(within_s):
                await lane.free.acquire()
                try:
                    while True:
                        worker = await self._idle.get()
                        if worker.alive:
                            return worker
                except BaseException:
                    lane.free.release()
                    raise
        except TimeoutError:
            raise WaitedTooLongError from None

    async def _work(self, lane: _Lane, worker: Worker, request: bytes, data: bytes) -> bytes:
        began = time.monotonic()
        try:
            return await worker.exchange(request, data)
        finally:
            lane.took(time.monotonic() - began)
            self._count_down(lane)
            if worker.alive:
                self._idle.put_nowait(worker)
            lane.free.release()

    def _count_down(self, lane: _Lane) -> None:
        lane.in_flight -= 1
        self._progress_at = time.monotonic()

    async def _add_worker(self) -> None:
        ended: list[WorkerEnd] = []
        worker: Worker | None = None

        def replace(end: WorkerEnd) -> None:
            ended.append(end)
            if worker is not None:
                self._replace(worker, end)

        worker = await self._start(replace)
        self._running.add(worker)
        if ended:
            self._replace(worker, ended[0])
        else:
            self._idle.put_nowait(worker)

    def _replace(self, worker: Worker, end: WorkerEnd) -> None:
        self._running.discard(worker)
        self._on_end(end)
        _log.warning("a worker process %s and is replaced", end.value)
        task = asyncio.ensure_future(self._keep_adding_worker())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_adding_worker(self) -> None:
        retry_s = _FIRST_RETRY_S
        while True:
            try:
                await self._add_worker()
            except WorkerStartError as error:
                _log.error("%s; the next try follows in %.1f s", error, retry_s)
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, _LAST_RETRY_S)
            else:
                return


def _explained(error: WorkerEndedError) -> Exception:
    """Return the caller's fault, if it is that."""
    if error.end is WorkerEnd.OVERRAN:
        return ImageTooLargeError("Working on the image takes more processor time than is allowed")
    if error.end is WorkerEnd.CRASHED:
        return InvalidImageError("The image is damaged: its decoder failed")
    return error
