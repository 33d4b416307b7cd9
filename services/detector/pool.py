"""A bounded pool of worker processes: it rejects images that can't be finished in time, and ends work that overruns."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Protocol

from services.detector.options import DetectOptions
from services.detector.worker_process import WorkerEnd, WorkerEndedError, WorkerStartError
from services.detector.worker_protocol import DetectReply, decode_reply, encode_request
from services.runtime.images import ImageTooLargeError, InvalidImageError

_LATENCY_WINDOW = 9
"""Number of recent images whose median time estimates the next one's; one huge image or one pause doesn't shift it."""

_MAX_RETRY_S = 5.0

_log = logging.getLogger(__name__)


class QueueFullError(Exception):
    """Every worker is busy, and the queue is full or too long for another image to be finished in time."""


class QueueTimeoutError(Exception):
    """No worker became free in time."""


class Worker(Protocol):
    """Processes one image at a time; implemented by ``WorkerProcess``."""

    @property
    def alive(self) -> bool:
        """Whether it can process an image."""

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
    """Images of one kind: how many may run at the same time, and how long the last ones took."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.free = asyncio.Semaphore(slots)
        self.in_flight = 0
        self._latencies_s: deque[float] = deque(maxlen=_LATENCY_WINDOW)

    @property
    def running(self) -> int:
        return min(self.in_flight, self.slots)

    def record_latency(self, seconds: float) -> None:
        self._latencies_s.append(seconds)

    def expected_s(self) -> float:
        return median(self._latencies_s) if self._latencies_s else 0.0


class DetectorPool:
    """Processes as many images at a time as it has workers, and replaces workers that end.

    Heavy images, which may take seconds, leave one worker to the others and take at most a third of all slots, so that
    ordinary images are still answered. This doesn't hold for a pool of one worker.
    """

    def __init__(
        self,
        start: StartWorker,
        workers: int,
        queue_size: int,
        max_wait_s: float,
        on_end: Callable[[WorkerEnd], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        retry_s: float = 0.1,
    ) -> None:
        """Prepare a pool; ``open`` starts the workers.

        Args:
            start: Starts a worker.
            workers: Number of workers.
            queue_size: Images that may wait for a worker.
            max_wait_s: Longest wait for a worker.
            on_end: Called for each worker that ended without being closed.
            clock: Monotonic seconds.
            retry_s: Pause before the second attempt to start a worker; it doubles with each further one.
        """
        self._start = start
        self._workers = workers
        self._capacity = workers + queue_size
        self._max_wait_s = max_wait_s
        self._on_end = on_end
        self._clock = clock
        self._retry_s = retry_s
        self._running: set[Worker] = set()
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()  # the last one's memory is still cached
        self._tasks: set[asyncio.Task[None]] = set()
        self._light, self._heavy = _Lane(workers), _Lane(max(1, workers - 1))
        self._max_heavy = max(self._heavy.slots, self._capacity // 3)
        self._progress_at = self._clock()

    @property
    def capacity(self) -> int:
        """Most images that are processed or wait."""
        return self._capacity

    @property
    def in_flight(self) -> int:
        """Images being processed or waiting."""
        return self._light.in_flight + self._heavy.in_flight

    @property
    def seconds_since_progress(self) -> float:
        """Seconds since an image was finished, or was started in an idle pool."""
        return self._clock() - self._progress_at

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
        """End the workers, including work for callers that have disconnected."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(worker.close() for worker in self._running))
        self._running.clear()

    async def detect(
        self, data: bytes, options: DetectOptions, deadline_s: float | None = None, *, heavy: bool = False
    ) -> DetectReply:
        """Find the faces of an image; see ``services.detector.pipeline``.

        Args:
            data: The image.
            options: Which part of it is searched.
            deadline_s: When the caller stops waiting, by the pool's clock; None if never.
            heavy: Whether it may take long; see ``services.detector.api.is_heavy``.

        Raises:
            QueueFullError: The queue is full, or no worker is expected to become free in time.
            QueueTimeoutError: No worker became free in time.
            InvalidImageError: It can't be decoded.
            ImageTooLargeError: It has too many pixels, or takes too much time or memory.
            WorkerEndedError: The worker was ended from outside, or didn't reply in time for lack of processor time.
            WorkerFailedError: The worker met an unexpected error.
        """
        lane = self._heavy if heavy else self._light
        start_within_s = self._allowed_wait_s(lane, deadline_s)
        full = self.in_flight >= self._capacity or (heavy and lane.in_flight >= self._max_heavy)
        if full or self._expected_wait_s(lane) > start_within_s:
            raise QueueFullError
        if self.in_flight == 0:
            self._progress_at = self._clock()
        lane.in_flight += 1
        try:
            worker = await self._next_idle(lane, start_within_s)
        except BaseException:
            self._count_down(lane)
            raise
        # Counted down when the work ends, not when the caller disconnects: the worker is busy until then.
        work = asyncio.ensure_future(self._work(lane, worker, encode_request(options, len(data)), data))
        try:
            return decode_reply(await asyncio.shield(work))
        except WorkerEndedError as error:
            raise _error_for_caller(error) from error
        finally:
            # An error's traceback refers to this frame; with the task, which refers to the error, that would be a
            # reference cycle that keeps the image until the next garbage collection.
            del work

    def _allowed_wait_s(self, lane: _Lane, deadline_s: float | None) -> float:
        """Return how long an image may wait; an idle worker tries it, however long the last ones took."""
        if deadline_s is None:
            return self._max_wait_s
        left_s = deadline_s - self._clock()
        return min(self._max_wait_s, left_s if self._ahead(lane) <= 0 else left_s - lane.expected_s())

    def _expected_wait_s(self, lane: _Lane) -> float:
        """Return how long one more image would wait for a worker, estimated from the last ones."""
        return max(0, self._ahead(lane)) * lane.expected_s() / lane.slots

    def _ahead(self, lane: _Lane) -> int:
        """Return how many images must finish before one more can start; 0 or less if none must."""
        others = self._heavy.running if lane is self._light else 0
        return lane.in_flight + others - lane.slots + 1

    async def _next_idle(self, lane: _Lane, within_s: float) -> Worker:
        # After this time the caller has given up or is about to. Processing its image would only delay the next ones:
        # an overloaded detector would then answer every image too late.
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
            raise QueueTimeoutError from None

    async def _work(self, lane: _Lane, worker: Worker, request: bytes, data: bytes) -> bytes:
        started = self._clock()
        try:
            return await worker.exchange(request, data)
        finally:
            lane.record_latency(self._clock() - started)
            self._count_down(lane)
            if worker.alive:
                self._idle.put_nowait(worker)
            lane.free.release()

    def _count_down(self, lane: _Lane) -> None:
        lane.in_flight -= 1
        self._progress_at = self._clock()

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
        retry_s = self._retry_s
        while True:
            try:
                await self._add_worker()
            except WorkerStartError as error:
                _log.error("%s; retrying in %.1f s", error, retry_s)
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, _MAX_RETRY_S)
            else:
                return


def _error_for_caller(error: WorkerEndedError) -> Exception:
    """Return an error of the image, if the image ended the worker."""
    if error.end is WorkerEnd.OVERRAN:
        return ImageTooLargeError("Processing the image takes more processor time than is allowed")
    if error.end is WorkerEnd.CRASHED:
        return InvalidImageError("The image is damaged: its decoder failed")
    return error
