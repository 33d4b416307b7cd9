"""The buffer between the thread that reads a source and the thread that publishes: it holds at most one frame."""

import time
from dataclasses import dataclass
from threading import Condition, Event
from typing import Generic, Protocol, TypeVar

from services.capture.sources.base import Frame
from services.capture.sources.spec import SourceSpec
from services.capture.stats import CameraStats
from services.runtime.clock import Clock, Wait
from services.runtime.frame_rate import FrameRateLimiter, FrameSchedule

T = TypeVar("T")
_POLL_S = 0.05


class FrameSlot(Generic[T]):
    """Holds at most one item, so that a reader never gets an old one. Safe to share among threads."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._item: T | None = None
        self._closed = False

    def replace(self, item: T) -> bool:
        """Store an item; return whether it replaced one that was never taken."""
        with self._changed:
            replaced = self._item is not None
            self._item = item
            self._changed.notify_all()
            return replaced

    def put(self, item: T, stop: Event) -> bool:
        """Store an item as soon as the slot is empty; return False if ``stop`` is set first."""
        with self._changed:
            while self._item is not None:
                if stop.is_set():
                    return False
                self._changed.wait(_POLL_S)
            self._item = item
            self._changed.notify_all()
            return True

    def take(self) -> T | None:
        """Wait for an item, remove and return it; return None once the slot is closed and empty."""
        with self._changed:
            while self._item is None and not self._closed:
                self._changed.wait()
            item, self._item = self._item, None
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Make ``take`` return None as soon as the slot is empty."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


@dataclass(frozen=True, eq=False)
class NumberedFrame:
    """A frame and its sequence number among all frames that the source delivered."""

    frame: Frame
    seq: int


class FrameBuffer(Protocol):
    """A policy for the frames of one source: when to read, and which frames to keep."""

    def wait_for_turn(self, stop: Event) -> None:
        """Return when the next frame may be read, at once if ``stop`` is set."""

    def put(self, frame: Frame, stop: Event) -> None:
        """Store a frame or drop it; may block until ``stop`` is set."""


class DropOldest:
    """For cameras, which deliver in real time: drops frames above the rate, and frames replaced before being taken."""

    def __init__(self, slot: FrameSlot[NumberedFrame], stats: CameraStats, fps: float) -> None:
        self._slot = slot
        self._stats = stats
        self._limiter = FrameRateLimiter(fps)

    def wait_for_turn(self, stop: Event) -> None:
        """Return at once: reading blocks until the camera delivers."""

    def put(self, frame: Frame, stop: Event) -> None:  # noqa: ARG002 - never blocks
        """Store the frame in place of an older one."""
        numbered = NumberedFrame(frame, self._stats.count_read())
        if not self._limiter.allow(frame.grabbed_at) or self._slot.replace(numbered):
            self._stats.count_dropped()


class Paced:
    """For sources that deliver a frame whenever they are read: reads them on a schedule.

    If ``blocking``, as for files, a frame waits until the slot is empty. Otherwise, as for the demo feed, it replaces
    an older one.
    """

    def __init__(
        self,
        slot: FrameSlot[NumberedFrame],
        stats: CameraStats,
        fps: float,
        blocking: bool,
        clock: Clock = time.monotonic,
        wait: Wait = Event.wait,
    ) -> None:
        self._slot = slot
        self._stats = stats
        self._schedule = FrameSchedule(fps)
        self._blocking = blocking
        self._clock = clock
        self._wait = wait

    def wait_for_turn(self, stop: Event) -> None:
        """Wait for the next due time."""
        self._wait(stop, self._schedule.wait_s(self._clock()))

    def put(self, frame: Frame, stop: Event) -> None:
        """Store the frame."""
        numbered = NumberedFrame(frame, self._stats.count_read())
        dropped = not self._slot.put(numbered, stop) if self._blocking else self._slot.replace(numbered)
        if dropped:
            self._stats.count_dropped()


def frame_buffer_for(
    source: SourceSpec, slot: FrameSlot[NumberedFrame], stats: CameraStats, fps: float, clock: Clock, wait: Wait
) -> FrameBuffer:
    """Return the buffer that suits a source."""
    if source.is_real_time:
        return DropOldest(slot, stats, fps)
    return Paced(slot, stats, fps, blocking=source.is_file, clock=clock, wait=wait)
