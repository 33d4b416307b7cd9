"""The two clocks of a camera host."""

import time
from typing import Protocol


class Clock(Protocol):
    """What tells the time; tests pass one that they move."""

    def monotonic(self) -> float:
        """Return seconds that only ever grow, for durations."""

    def unix_us(self) -> int:
        """Return Unix microseconds, which may jump when the clock is set."""


class SystemClock:
    """This machine's clocks."""

    def monotonic(self) -> float:
        """Return seconds that only ever grow."""
        return time.monotonic()

    def unix_us(self) -> int:
        """Return Unix microseconds."""
        return time.time_ns() // 1000
