"""Clocks. Code takes a clock as an argument, so that tests can pass one that they move."""

import time
from threading import Event
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock in seconds, for durations and deadlines. ``time.monotonic`` is one."""

    def __call__(self) -> float:
        """Return the current time in seconds since an arbitrary point."""


class WallClock(Protocol):
    """The time of day, which may jump when the system clock is set."""

    def __call__(self) -> int:
        """Return the current time in Unix microseconds."""


class Wait(Protocol):
    """Waits for an event or a timeout. ``threading.Event.wait`` is one."""

    def __call__(self, event: Event, timeout_s: float, /) -> bool:
        """Return whether the event is set, as soon as it is, and after ``timeout_s`` at the latest."""


def unix_us() -> int:
    """Return the current time in Unix microseconds."""
    return time.time_ns() // 1000
