"""Counts what the server refuses or cuts off itself, and logs it in few lines."""

import logging
from collections import Counter as Counts

from prometheus_client import CollectorRegistry, Counter

REPORT_PERIOD_S = 60.0
"""Least time between two lines of the log, however much is refused."""

_log = logging.getLogger(__name__)


class Rejections:
    """Refused requests and connections by reason."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counter = Counter(
            "http_rejected", "Requests and connections refused or cut off by the server", ["reason"], registry=registry
        )
        self._unreported = Counts[str]()
        self._next_report = 0.0

    def count(self, reason: str) -> None:
        """Count one; the reasons are few and fixed."""
        self._counter.labels(reason).inc()
        self._unreported[reason] += 1

    def report(self, now: float) -> None:
        """Log what was counted since the last report, at most once in a period.

        Args:
            now: Monotonic time in seconds.
        """
        if self._unreported and now >= self._next_report:
            reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(self._unreported.items()))
            _log.warning("requests and connections refused or cut off: %s", reasons)
            self._unreported.clear()
            self._next_report = now + REPORT_PERIOD_S
