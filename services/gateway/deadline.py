"""How long a request may still take, whichever services it waits for."""

from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True)
class Deadline:
    """The moment by which something must be there.

    One is made for each request and handed to every service that the request waits for, so that slow
    ones share its time instead of adding up.

    Attributes:
        at_s: By this process's monotonic clock.
    """

    at_s: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Return the moment that many seconds from now."""
        return cls(monotonic() + seconds)

    def within(self, seconds: float) -> "Deadline":
        """Return the earlier one of this moment and that many seconds from now."""
        return Deadline(min(self.at_s, monotonic() + seconds))

    def keeping(self, seconds: float) -> "Deadline":
        """Return an earlier moment, which leaves that many seconds for what comes after."""
        return Deadline(self.at_s - seconds)

    def seconds_left(self) -> float:
        """Return the time until then; 0 once it has passed."""
        return max(0.0, self.at_s - monotonic())
