"""A camera's counters, shared by its threads."""

from collections import deque
from threading import Lock


class Tally:
    """Counts frames and reopenings since capture started. Safe to share among threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._read = 0
        self._published = 0
        self._dropped = 0
        self._reconnects = 0

    def frame_read(self) -> int:
        """Count a frame that the source gave; return its number, from 1."""
        with self._lock:
            self._read += 1
            return self._read

    def frame_published(self) -> None:
        """Count a frame that Redis took."""
        with self._lock:
            self._published += 1

    def frame_dropped(self) -> None:
        """Count a frame that was read and will not be published."""
        with self._lock:
            self._dropped += 1

    def reconnected(self) -> None:
        """Count a source that gives frames again."""
        with self._lock:
            self._reconnects += 1

    @property
    def read(self) -> int:
        """Frames that the source gave."""
        return self._read

    @property
    def published(self) -> int:
        """Frames that Redis took."""
        return self._published

    @property
    def dropped(self) -> int:
        """Frames that were read and not published."""
        return self._dropped

    @property
    def reconnects(self) -> int:
        """How often the source was opened anew and gave frames."""
        return self._reconnects


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
