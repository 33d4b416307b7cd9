"""When the next frame is due, on a schedule that doesn't drift."""

import math


class Pace:
    """Marks of a schedule, ``1 / fps`` apart. Times are monotonic seconds.

    Both ways of keeping to a rate share it: ``wait_s`` for sources that are asked for a frame, and
    ``admits`` for sources that deliver at their own pace.
    """

    def __init__(self, fps: float) -> None:
        self._period_s = 1.0 / fps
        self._due: float | None = None

    def wait_s(self, now: float) -> float:
        """Return the seconds until the next frame is due, and move on to the one after it.

        Marks that have passed are left out rather than made up for.
        """
        if self._due is None:
            self._due = now
        missed = math.floor((now - self._due) / self._period_s)
        mark = self._due + max(missed, 0) * self._period_s
        self._due = mark + self._period_s
        return max(mark - now, 0.0)

    def admits(self, now: float) -> bool:
        """Tell whether a frame that came now keeps within the rate.

        A camera of the same rate isn't perfectly regular: a frame may come a quarter of a period early.
        """
        if self._due is None or now >= self._due + self._period_s:
            self._due = now  # after a pause the schedule starts anew
        if now < self._due - self._period_s / 4:
            return False
        self._due += self._period_s
        return True
