"""Limits and schedules frames by rate. Neither accumulates drift; times are seconds."""

import math


class FrameRateLimiter:
    """Selects frames so that on average at most ``fps`` a second pass, evenly spaced.

    A frame may come up to a quarter of a period early, so that a camera of exactly the allowed rate loses no frame to
    its jitter. After a pause, or a change of the clock, the spacing starts again.
    """

    def __init__(self, fps: float | None) -> None:
        """Set the rate; None allows every frame."""
        self._period_s = 1.0 / fps if fps else 0.0
        self._due_s: float | None = None

    def allow(self, at_s: float) -> bool:
        """Return whether the frame of this time passes. Call it once for each frame, in order."""
        if self._due_s is None or not -2 * self._period_s <= at_s - self._due_s <= self._period_s:
            self._due_s = at_s
        if at_s < self._due_s - self._period_s / 4:
            return False
        self._due_s += self._period_s
        return True


class FrameSchedule:
    """Due times ``1 / fps`` apart, for sources that return a frame at any time."""

    def __init__(self, fps: float) -> None:
        self._period_s = 1.0 / fps
        self._due_s: float | None = None

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until the next frame is due, and advance to the one after it.

        Due times that have passed are skipped.
        """
        if self._due_s is None:
            self._due_s = now_s
        missed = math.floor((now_s - self._due_s) / self._period_s)
        due_s = self._due_s + max(missed, 0) * self._period_s
        self._due_s = due_s + self._period_s
        return max(due_s - now_s, 0.0)
