"""How many requests are worked on at the same time."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from services.contracts.problems import ProblemKind
from services.runtime.problems import ProblemError


class InFlightLimit:
    """Refuses requests beyond those that the service can work on.

    As a dependency of a route it holds a place from before the body is read, so that waiting bodies
    can't fill the memory; with ``place`` a route holds one for as long as it says.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._in_flight = 0

    @property
    def in_flight(self) -> int:
        """Requests being worked on."""
        return self._in_flight

    async def __call__(self) -> AsyncIterator[None]:
        """Hold a place for a whole request.

        Raises:
            ProblemError: 503, no place left.
        """
        with self.place():
            yield

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place while the block runs.

        Raises:
            ProblemError: 503, no place left.
        """
        if self._in_flight >= self._most:
            raise ProblemError(ProblemKind.OVERLOADED, f"{self._most} requests are in flight already")
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
