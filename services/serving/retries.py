"""When a version that couldn't be loaded is tried again."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.serving.versions import Stamp


@dataclass(frozen=True)
class Failure:
    """The last failure to load a version.

    Attributes:
        tries: How often it was tried, with the same files.
        at: When it failed last, by a monotonic clock.
        files: What was tried.
    """

    tries: int
    at: float
    files: Stamp


@dataclass(frozen=True)
class RetryRule:
    """How often, and how long after a failure. New files are tried at once, whatever was tried before."""

    retries: int
    interval_s: float

    def is_blocked(self, failure: Failure, files: Stamp, now: float) -> bool:
        """Tell whether a version must not be tried now."""
        if files != failure.files:
            return False
        return failure.tries > self.retries or now < failure.at + self.interval_s

    def after(self, failure: Failure | None, files: Stamp, now: float) -> Failure:
        """Return what to remember of a failure."""
        tries = failure.tries + 1 if failure is not None and failure.files == files else 1
        return Failure(tries, now, files)

    def seconds_until_next(self, failures: Mapping[int, Failure], now: float) -> float | None:
        """Return how long it is until a version is to be tried again; None where none is."""
        waits = [failure.at + self.interval_s - now for failure in failures.values() if failure.tries <= self.retries]
        return max(0.0, min(waits)) if waits else None
