"""Bounds how many lines of a log one cause may fill."""

from collections import deque

MAX_LINES = 10
WINDOW_S = 60.0


class LineLimit:
    """Admits ``MAX_LINES`` lines in ``WINDOW_S`` seconds. Used by one thread. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=MAX_LINES)

    def admits(self, now: float) -> bool:
        """Tell whether a line may be written now, and count it if so."""
        if len(self._times) == MAX_LINES and now - self._times[0] < WINDOW_S:
            return False
        self._times.append(now)
        return True
