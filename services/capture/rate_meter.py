"""Measures events a second over the last seconds."""

from collections import deque
from threading import Lock

WINDOW_S = 5.0


class RateMeter:
    """Counts events in a sliding window. Times are monotonic seconds. Safe to share among threads."""

    def __init__(self, now: float, window_s: float = WINDOW_S) -> None:
        self._started = now
        self._window_s = window_s
        self._times: deque[float] = deque()
        self._lock = Lock()

    def count(self, now: float) -> None:
        """Count one event."""
        with self._lock:
            self._times.append(now)
            self._forget(now)

    def per_second(self, now: float) -> float:
        """Return the rate; over the time since the start where that is shorter than the window."""
        with self._lock:
            self._forget(now)
            return len(self._times) / min(max(now - self._started, 1.0), self._window_s)

    def _forget(self, now: float) -> None:
        while self._times and self._times[0] <= now - self._window_s:
            self._times.popleft()
