"""Log lines that outsiders can cause, at a bounded rate."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

INTERVAL_S = 10.0
MAX_TEXT = 300
"""Characters of a text from outside that a line shows."""


@dataclass
class _Kind:
    logged_at: float
    suppressed: int = 0


class LimitedLog:
    """Writes at most one line of each kind in an interval, and says how many it left out. Used from any thread.

    Kinds are constants of the code, never text from outside.
    """

    def __init__(
        self, logger: logging.Logger, interval_s: float = INTERVAL_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._logger = logger
        self._interval_s = interval_s
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}
        self._lock = threading.Lock()

    def warning(self, kind: str, message: str, *values: object) -> None:
        """Log a warning; ``values`` are formatted into the message as ``logging`` does."""
        suppressed = self._admit(kind)
        if suppressed is not None:
            line = message + _left_out(suppressed)
            self._logger.warning(line, *values)

    def exception(self, kind: str, message: str, *values: object) -> None:
        """Log an error with the traceback of the exception that is being handled."""
        suppressed = self._admit(kind)
        if suppressed is not None:
            line = message + _left_out(suppressed)
            self._logger.exception(line, *values)

    def _admit(self, kind: str) -> int | None:
        """Return how many lines were left out since the last one; None where this one is left out too."""
        with self._lock:
            now = self._clock()
            known = self._kinds.get(kind)
            if known is not None and now < known.logged_at + self._interval_s:
                known.suppressed += 1
                return None
            self._kinds[kind] = _Kind(now)
            return known.suppressed if known is not None else 0


def shown(text: str | None) -> str:
    """Return a text from outside as a log line may show it: cut, on one line, without control characters."""
    cut = (text or "")[: MAX_TEXT + 1]
    safe = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in cut[:MAX_TEXT])
    return f"{safe}…" if len(cut) > MAX_TEXT else safe


def _left_out(count: int) -> str:
    return f" ({count} more like this were not logged)" if count else ""
