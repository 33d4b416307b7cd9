"""How many bytes of requests an interface holds at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.serving.errors import UnavailableError

MAX_BYTES_IN_FLIGHT = 32 * 1024 * 1024


class Share:
    """What one request holds of the budget."""

    def __init__(self, budget: "ByteBudget") -> None:
        self._budget = budget
        self.held = 0

    def add(self, count: int) -> None:
        """Hold more bytes.

        Raises:
            UnavailableError: The requests in flight hold all that they may.
        """
        self._budget.take(count)
        self.held += count


class ByteBudget:
    """Bounds what the requests in flight of an interface hold together. Used from the event loop only.

    Each interface has its own, so that slow bodies of REST leave gRPC alone.
    """

    def __init__(self, limit_bytes: int = MAX_BYTES_IN_FLIGHT) -> None:
        self._limit = limit_bytes
        self._used = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Give a request its share, and take it back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self._used -= share.held

    def take(self, count: int) -> None:
        """Count more bytes as held, or raise an UnavailableError."""
        if self._used + count > self._limit:
            raise UnavailableError("The requests in flight hold too many bytes; try again")
        self._used += count
