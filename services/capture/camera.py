"""One camera: opens its source, opens it again if it fails or stalls, and reports its state."""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from services.capture.frame_buffer import FrameSlot, NumberedFrame, frame_buffer_for
from services.capture.publisher_thread import (
    LOG_PERIOD_S,
    MAX_LOG_LINES,
    FramePublisher,
    PublisherThread,
    PublishTarget,
)
from services.capture.reader import Reader
from services.capture.redaction import truncate
from services.capture.sources.base import SourceFactory
from services.capture.sources.spec import CameraSpec
from services.capture.stats import CameraStats
from services.contracts.cameras import CameraState, CameraStatus
from services.contracts.frames import MAX_DELAY_US
from services.runtime.clock import Clock, Wait
from services.runtime.logs import LineQuota

TRIES_BEFORE_FAILED = 3
MAX_STUCK_READERS = 3
END_OF_FILE = "end of file"

_log = logging.getLogger(__name__)


class Backoff:
    """Delays that double from ``min_s`` to ``max_s``, each shortened at random by up to a half.

    The random part spreads the reconnects of cameras that were lost together.
    """

    def __init__(self, min_s: float, max_s: float, random: Callable[[], float] = random.random) -> None:
        self._min_s = min_s
        self._max_s = max_s
        self._random = random
        self._ceiling_s = min_s

    def next_delay_s(self) -> float:
        """Return the next delay in seconds."""
        ceiling_s = self._ceiling_s
        self._ceiling_s = min(ceiling_s * 2, self._max_s)
        return ceiling_s * (0.5 + 0.5 * self._random())

    def reset(self) -> None:
        """Start again at ``min_s``."""
        self._ceiling_s = self._min_s


@dataclass(frozen=True)
class CameraPolicy:
    """Limits for one camera; see the settings of the same names."""

    fps: float
    jpeg_quality: int
    open_s: float
    stall_s: float
    reconnect_min_s: float
    reconnect_max_s: float


class Camera:
    """Runs one camera in three threads: a supervisor, a reader, and a publisher.

    The state is ``online`` from a source's first frame until the source fails or stalls, and ``reconnecting`` while the
    source is opened. It is ``failed`` if the source delivered no frame in three tries; the tries continue. It is
    ``finished`` after the end of a file that isn't looped.
    """

    def __init__(
        self,
        spec: CameraSpec,
        policy: CameraPolicy,
        source_factory: SourceFactory,
        publisher: FramePublisher,
        clock: Clock = time.monotonic,
        wait: Wait = threading.Event.wait,
    ) -> None:
        self.id = spec.camera_id
        self._source = spec.source
        self._policy = policy
        self._open = partial(source_factory, spec.source)
        self._clock = clock
        self._wait = wait
        self._stats = CameraStats()
        slot: FrameSlot[NumberedFrame] = FrameSlot()
        self._buffer = frame_buffer_for(spec.source, slot, self._stats, policy.fps, clock, wait)
        target = PublishTarget(spec.camera_id, publisher, policy.jpeg_quality)
        self._publisher = PublisherThread(target, slot, self._stats, clock)
        self._backoff = Backoff(policy.reconnect_min_s, policy.reconnect_max_s)
        self._supervisor = threading.Thread(target=self._run, name=f"camera-{self.id}", daemon=True)
        self._wakeup = threading.Event()
        self._stopping = threading.Event()
        self._reader: Reader | None = None
        self._stuck: list[Reader] = []
        self._failures = 0
        self._was_online = False
        self._finished = False
        self._last_error = ""
        self._log_quota = LineQuota(MAX_LOG_LINES, LOG_PERIOD_S)

    def start(self) -> None:
        """Start the threads."""
        self._publisher.start()
        self._supervisor.start()

    def begin_stop(self) -> None:
        """Make all threads finish their current frame and exit; returns at once."""
        self._stopping.set()
        self._wakeup.set()

    def join(self, timeout_s: float) -> None:
        """Wait until the threads have exited, for ``timeout_s`` at most."""
        deadline_s = self._clock() + timeout_s
        self._supervisor.join(timeout_s / 2)
        if self._reader is not None:
            self._reader.join(timeout_s / 2)
        self._publisher.finish()
        self._publisher.join(max(deadline_s - self._clock(), 0.0))

    @property
    def state(self) -> CameraState:
        """The camera's current state."""
        reader = self._reader
        if self._finished:
            return CameraState.FINISHED
        if reader is not None and reader.delivered:
            return CameraState.ONLINE
        if not self._was_online and self._failures >= TRIES_BEFORE_FAILED:
            return CameraState.FAILED
        return CameraState.RECONNECTING

    def status(self) -> CameraStatus:
        """Return the status that is published with each heartbeat."""
        width, height = self._publisher.size
        return CameraStatus(
            state=self.state,
            source=truncate(self._source.display_name),
            fps=self._publisher.frames_per_second(),
            width=width,
            height=height,
            published=self._stats.published,
            dropped=self._stats.dropped,
            reconnects=self._stats.reconnects,
            last_error=self._last_error,
            delay_us=min(self._publisher.delay_us, MAX_DELAY_US),
        )

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._too_many_stuck():
                self._wait(self._stopping, self._backoff.next_delay_s())
                continue
            reader = Reader(self.id, self._open, self._buffer, self._wakeup, self._clock)
            self._reader = reader
            reader.start()
            self._supervise(reader)
            if self._stopping.is_set():
                return
            self._reader = None
            if reader.reached_end:
                self._on_end()
                return
            self._on_failure(reader)
            self._wait(self._stopping, self._backoff.next_delay_s())

    def _supervise(self, reader: Reader) -> None:
        """Return when the reader has finished or stalled, or when the camera stops; the reader is abandoned then."""
        online = False
        while True:
            self._wakeup.clear()
            if reader.delivered and not online:
                online = True
                self._on_online()
            if reader.finished or self._stopping.is_set():
                break
            limit_s = self._policy.stall_s if online else self._policy.open_s
            remaining_s = limit_s - reader.blocked_s(self._clock())
            if remaining_s <= 0:
                reader.error = f"no frame for {limit_s:g} s"
                self._stuck.append(reader)
                break
            self._wait(self._wakeup, remaining_s)
        reader.abandon()

    def _too_many_stuck(self) -> bool:
        """Return whether so many readers are stuck that another one would probably get stuck as well."""
        self._stuck = [reader for reader in self._stuck if not reader.finished]
        return len(self._stuck) >= MAX_STUCK_READERS

    def _on_online(self) -> None:
        if self._was_online:
            self._stats.count_reconnect()
        self._was_online = True
        self._backoff.reset()
        self._log_limited(logging.INFO, f"online, {self._source.display_name}")

    def _on_end(self) -> None:
        self._finished = True
        self._last_error = END_OF_FILE
        _log.info("%s: %s", self.id, END_OF_FILE)

    def _on_failure(self, reader: Reader) -> None:
        before = (self._last_error, self.state)
        self._failures += 1
        self._last_error = truncate(reader.error)
        changed = reader.delivered or before != (self._last_error, self.state)
        # A repeated failure is logged once.
        self._log_limited(logging.WARNING if changed else logging.DEBUG, f"{self._last_error}; {self.state.value}")

    def _log_limited(self, level: int, text: str) -> None:
        """Log a line, at DEBUG if the camera has logged too many."""
        if level > logging.DEBUG and not self._log_quota.allow(self._clock()):
            level = logging.DEBUG
        _log.log(level, "%s: %s", self.id, text)
