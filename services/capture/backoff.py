"""How long to wait before a source is opened anew."""

from collections.abc import Callable


class Backoff:
    """Waits that double from ``min_s`` to ``max_s``, each shortened by up to a half.

    The random part keeps cameras that were lost together, say by a switch, from coming back together.
    """

    def __init__(self, min_s: float, max_s: float, random: Callable[[], float]) -> None:
        self._min_s = min_s
        self._max_s = max_s
        self._random = random
        self._ceiling_s = min_s

    def next_s(self) -> float:
        """Return the seconds to wait now, and wait longer the next time."""
        ceiling_s = self._ceiling_s
        self._ceiling_s = min(ceiling_s * 2, self._max_s)
        return ceiling_s * (0.5 + 0.5 * self._random())

    def reset(self) -> None:
        """Begin at ``min_s`` again."""
        self._ceiling_s = self._min_s
