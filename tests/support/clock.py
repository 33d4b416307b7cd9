"""A clock for unit tests that only moves when a test advances it."""

from collections.abc import Callable
from threading import Event

from tests.support.waiting import wait_until


class FakeClock:
    """Monotonic seconds, and waiting for events by this clock. Safe to share among threads.

    Attributes:
        timeouts: The timeouts of all calls of ``wait``, in seconds.
    """

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s
        self.timeouts: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        self.now_s += seconds

    def wait(self, event: Event, timeout_s: float) -> bool:
        """Wait as ``Event.wait`` does, until the event is set or this clock has advanced by the timeout."""
        deadline_s = self.now_s + timeout_s
        self.timeouts.append(timeout_s)
        while not event.wait(0.001):
            if self.now_s >= deadline_s:
                return False
        return True

    def advance_until(self, condition: Callable[[], object], what: str, step_s: float = 1.0) -> None:
        """Advance in steps until a condition that depends on other threads is true."""

        def step() -> bool:
            if condition():
                return True
            self.advance(step_s)
            return False

        wait_until(step, what, interval_s=0.002)
