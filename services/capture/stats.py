"""A camera's counters and its frame rate, shared by its threads."""

from collections import deque
from threading import Lock

RATE_WINDOW_S = 5.0


class CameraStats:
    """Counts frames and reconnects since capture started. Safe to share among threads.

    Attributes:
        published: Frames written to Redis.
        dropped: Frames that were read and not published.
        reconnects: Times that the source was opened again and delivered frames.
    """

    def __init__(self) -> None:
        self.published = 0
        self.dropped = 0
        self.reconnects = 0
        self._read = 0
        self._lock = Lock()

    def count_read(self) -> int:
        """Count a frame that the source delivered; return its sequence number, from 1."""
        with self._lock:
            self._read += 1
            return self._read

    def count_published(self) -> None:
        """Count a frame that was written to Redis."""
        with self._lock:
            self.published += 1

    def count_dropped(self) -> None:
        """Count a frame that was read and won't be published."""
        with self._lock:
            self.dropped += 1

    def count_reconnect(self) -> None:
        """Count a source that was opened again and delivers frames."""
        with self._lock:
            self.reconnects += 1


class RateMeter:
    """Measures events a second in a sliding window. Times are monotonic seconds. Safe to share among threads."""

    def __init__(self, now_s: float, window_s: float = RATE_WINDOW_S) -> None:
        self._started_s = now_s
        self._window_s = window_s
        self._times: deque[float] = deque()
        self._lock = Lock()

    def count(self, now_s: float) -> None:
        """Count one event."""
        with self._lock:
            self._times.append(now_s)
            self._expire(now_s)

    def per_second(self, now_s: float) -> float:
        """Return the rate over the window, or over the time since the start if that is shorter."""
        with self._lock:
            self._expire(now_s)
            return len(self._times) / min(max(now_s - self._started_s, 1.0), self._window_s)

    def _expire(self, now_s: float) -> None:
        while self._times and self._times[0] <= now_s - self._window_s:
            self._times.popleft()
