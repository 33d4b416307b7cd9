"""What happens to a frame once it was read: numbered, held to the rate, and put in the mailbox."""

from dataclasses import dataclass
from threading import Condition, Event
from typing import Generic, Protocol, TypeVar

from services.capture.sources.base import Frame
from services.capture.sources.spec import SourceSpec
from services.capture.stats import Tally
from services.runtime.clock import Clock
from services.runtime.frame_rate import FrameRateLimiter, FrameSchedule

T = TypeVar("T")
_LOOK_UP_S = 0.05


class Mailbox(Generic[T]):
    """Holds one item at most, so that what is taken is never old."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._item: T | None = None
        self._closed = False

    def replace(self, item: T) -> bool:
        """Put an item in, in place of one that nobody took; return whether there was one."""
        with self._changed:
            displaced = self._item is not None
            self._item = item
            self._changed.notify_all()
            return displaced

    def put(self, item: T, leave: Event) -> bool:
        """Put an item in once the slot is free; return false where ``leave`` was set before that."""
        with self._changed:
            while self._item is not None:
                if leave.is_set():
                    return False
                self._changed.wait(_LOOK_UP_S)
            self._item = item
            self._changed.notify_all()
            return True

    def take(self) -> T | None:
        """Wait for an item and return it; none once the mailbox is closed and empty."""
        with self._changed:
            while self._item is None and not self._closed:
                self._changed.wait()
            item, self._item = self._item, None
            self._changed.notify_all()
            return item

    def take_now(self) -> T | None:
        """Return the item if there is one."""
        with self._changed:
            item, self._item = self._item, None
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Let ``take`` end once what is inside was taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


@dataclass(frozen=True, eq=False)
class NumberedFrame:
    """A frame and its number among all that the camera gave."""

    frame: Frame
    seq: int


class Intake(Protocol):
    """Stands between a source and the mailbox."""

    def ready_for_next(self, leave: Event) -> None:
        """Return when the next frame may be read, at once where ``leave`` is set."""

    def accept(self, frame: Frame, leave: Event) -> None:
        """Take a frame, which may wait until ``leave`` is set."""


class OwnPaceIntake:
    """For cameras, which deliver when they like: frames over the rate and frames nobody took are dropped."""

    def __init__(self, mailbox: Mailbox[NumberedFrame], tally: Tally, fps: float) -> None:
        self._mailbox = mailbox
        self._tally = tally
        self._limiter = FrameRateLimiter(fps)

    def ready_for_next(self, leave: Event) -> None:
        """Return at once: the camera itself makes us wait."""

    def accept(self, frame: Frame, leave: Event) -> None:  # noqa: ARG002 - never waits
        """Put the frame in the mailbox, in place of an older one."""
        numbered = NumberedFrame(frame, self._tally.frame_read())
        if not self._limiter.allow(frame.grabbed_at) or self._mailbox.replace(numbered):
            self._tally.frame_dropped()


class PacedIntake:
    """For sources that give a frame whenever asked: they are asked on schedule.

    Where ``waits`` is set, as for files, each frame waits for its turn in the mailbox; else, as for the
    demo feed, it takes the place of an older one.
    """

    def __init__(self, mailbox: Mailbox[NumberedFrame], tally: Tally, fps: float, clock: Clock, waits: bool) -> None:
        self._mailbox = mailbox
        self._tally = tally
        self._schedule = FrameSchedule(fps)
        self._clock = clock
        self._waits = waits

    def ready_for_next(self, leave: Event) -> None:
        """Wait for the next mark of the schedule."""
        leave.wait(self._schedule.wait_s(self._clock()))

    def accept(self, frame: Frame, leave: Event) -> None:
        """Put the frame in the mailbox."""
        numbered = NumberedFrame(frame, self._tally.frame_read())
        lost = not self._mailbox.put(numbered, leave) if self._waits else self._mailbox.replace(numbered)
        if lost:
            self._tally.frame_dropped()


def intake_for(source: SourceSpec, mailbox: Mailbox[NumberedFrame], tally: Tally, fps: float, clock: Clock) -> Intake:
    """Return the intake that suits a source."""
    if source.has_own_pace:
        return OwnPaceIntake(mailbox, tally, fps)
    return PacedIntake(mailbox, tally, fps, clock, waits=not source.is_live)
