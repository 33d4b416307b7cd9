"""Fewer results than there are, evenly."""


class Thinning:
    """Chooses among frames so that on average at most ``fps`` a second are sent."""

    def __init__(self, fps: float | None) -> None:
        """Let every frame through where no rate is given."""
        self._period_s = 1 / fps if fps else 0.0
        self._due_s: float | None = None

    def wants(self, at_s: float) -> bool:
        """Tell whether a frame that was captured at this time is sent; ask once for each, in order."""
        if self._due_s is None or not -2 * self._period_s <= at_s - self._due_s <= self._period_s:
            self._due_s = at_s  # the first, or one after a pause or a change of the clock: the beat begins anew
        if at_s < self._due_s:
            return False
        self._due_s += self._period_s
        return True
