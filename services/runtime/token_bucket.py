"""A bound on how often something happens."""

BURST_S = 10.0
"""So many seconds' worth may come at once."""


class TokenBucket:
    """Allows an average rate, with bursts."""

    def __init__(self, per_s: float, now: float) -> None:
        """Begin full.

        Args:
            per_s: Average rate.
            now: Monotonic time in seconds, here and below.
        """
        self._per_s = per_s
        self._tokens = per_s * BURST_S
        self._at = now

    def take(self, now: float) -> bool:
        """Return whether one more may happen now, and count it."""
        self._tokens = min(self._per_s * BURST_S, self._tokens + (now - self._at) * self._per_s)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
