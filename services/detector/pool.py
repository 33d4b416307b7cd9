"""A bounded pool of threads beside the event loop; OpenCV lets go of the interpreter while it works."""

import asyncio
import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from statistics import median

from services.contracts.detection import Detection
from services.detector.detect import detect
from services.detector.search import FaceSearch
from services.detector.where import Where

_NICENESS = 5
_JUDGED_BY = 9
"""So many of the last images tell how long one takes; their median minds no huge one and no standstill."""


class PoolFullError(Exception):
    """Every worker is busy, and as many images wait as may, or as can be begun or finished in time."""


class WaitedTooLongError(Exception):
    """No worker came free in time."""


def _step_back() -> None:
    """Let the event loop go first where cores are short: what is refused must be refused soon."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


class DetectorPool:
    """Works on as many images at a time as it has searches; each search serves one thread at a time."""

    def __init__(self, searches: Sequence[FaceSearch], waiting: int, max_wait_s: float, pixel_limit: int) -> None:
        """Start the threads.

        Args:
            searches: One for each thread.
            waiting: Images that may wait beyond those being worked on.
            max_wait_s: How long each may wait.
            pixel_limit: Most pixels an image may have.
        """
        self._idle: queue.SimpleQueue[FaceSearch] = queue.SimpleQueue()
        for search in searches:
            self._idle.put(search)
        self._workers = len(searches)
        self._seconds_taken: deque[float] = deque(maxlen=_JUDGED_BY)
        self._capacity = len(searches) + waiting
        self._max_wait_s = max_wait_s
        self._pixel_limit = pixel_limit
        self._executor = ThreadPoolExecutor(len(searches), "detect", initializer=_step_back)
        self._in_flight = 0
        self._progress_at = time.monotonic()

    @property
    def capacity(self) -> int:
        """Most images that are worked on or wait."""
        return self._capacity

    @property
    def in_flight(self) -> int:
        """Images being worked on or waiting."""
        return self._in_flight

    @property
    def seconds_since_progress(self) -> float:
        """Since an image was finished, or began to be worked on in an idle pool."""
        return time.monotonic() - self._progress_at

    async def detect(self, data: bytes, where: Where, done_by_s: float | None = None) -> Detection:
        """Find the faces of an image; see ``services.detector.detect``.

        Args:
            data: The image.
            where: Where to look.
            done_by_s: When the caller stops waiting, by the monotonic clock; None if never.

        Raises:
            PoolFullError: No room for one more, or no hope that a worker comes free in time.
            WaitedTooLongError: No worker came free in time.
            InvalidImageError: It can't be decoded.
            ImageTooLargeError: It has too many pixels.
        """
        begin_within_s = self._may_wait_s(done_by_s)
        if self._in_flight >= self._capacity or self._expected_wait_s() > begin_within_s:
            raise PoolFullError
        if self._in_flight == 0:
            self._progress_at = time.monotonic()
        self._in_flight += 1
        loop = asyncio.get_running_loop()
        future = self._executor.submit(self._work, data, where, time.monotonic() + begin_within_s)
        # Counted down when the work ends, not when the caller goes away: the thread is busy until then.
        future.add_done_callback(lambda done: self._release(loop, done))
        try:
            return await asyncio.wrap_future(future)
        finally:
            # An error's traceback leads to this frame; the future, which holds the error, would close
            # a cycle that keeps the image until the garbage collector comes.
            del future

    def close(self) -> None:
        """Finish what is being worked on and end the threads."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _may_wait_s(self, done_by_s: float | None) -> float:
        """Return how long an image may wait; where a worker is idle it is tried, however long the last ones took."""
        if done_by_s is None:
            return self._max_wait_s
        left_s = done_by_s - time.monotonic()
        return min(self._max_wait_s, left_s if self._in_flight < self._workers else left_s - self._seconds_each())

    def _expected_wait_s(self) -> float:
        """Return how long one more image would wait for a worker, judged by the last ones."""
        ahead = self._in_flight - self._workers + 1
        return max(0, ahead) * self._seconds_each() / self._workers

    def _seconds_each(self) -> float:
        return median(self._seconds_taken) if self._seconds_taken else 0.0

    def _work(self, data: bytes, where: Where, begin_by: float) -> Detection:
        # Whoever asked has given up or is about to. Working on it would only make the next ones wait as long:
        # once overloaded, the detector would answer everything too late for good.
        if time.monotonic() > begin_by:
            raise WaitedTooLongError
        search = self._idle.get()
        began = time.monotonic()
        try:
            return detect(data, where, search, self._pixel_limit)
        finally:
            self._seconds_taken.append(time.monotonic() - began)
            self._idle.put(search)

    def _release(self, loop: asyncio.AbstractEventLoop, _: Future[Detection]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._count_down)

    def _count_down(self) -> None:
        self._in_flight -= 1
        self._progress_at = time.monotonic()
