"""How many requests are worked on at the same time, in all and for each client."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from starlette.requests import HTTPConnection

from services.contracts.problems import ProblemKind
from services.runtime.client_address import client_of
from services.runtime.problems import ProblemError


class InFlightLimit:
    """Refuses requests beyond those that the service can work on.

    As a dependency of a route it holds a place from before the body is read, so that waiting bodies
    can't fill the memory; with ``place`` a route holds one for as long as it says.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
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
        if self._in_flight >= self._limit:
            raise ProblemError(ProblemKind.OVERLOADED, f"{self._limit} requests are in flight already")
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1


class SharedLimit:
    """A limit of which no client can take everything.

    Up to its share a client finds a place as long as there is one. Beyond its share it gets further places
    only while half of all places are free.
    """

    def __init__(self, limit: int, share: int, what: str = "requests") -> None:
        """Begin with all places free.

        Args:
            limit: Places in all.
            share: Places of one client that it gets whatever it holds already.
            what: What takes the places, for messages.
        """
        self._limit = limit
        self._share = share
        self._what = what
        self._held: Counter[str] = Counter()

    @property
    def in_flight(self) -> int:
        """Places that are taken."""
        return self._held.total()

    async def __call__(self, request: HTTPConnection) -> AsyncIterator[None]:
        """Hold a place for a whole request.

        Raises:
            ProblemError: 429, the client has its share; 503, no place left.
        """
        with self.place(client_of(request)):
            yield

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """Hold a place for a client while the block runs.

        Raises:
            ProblemError: 429, the client has its share; 503, no place left.
        """
        taken, own = self.in_flight, self._held[client]
        if taken >= self._limit:
            raise ProblemError(ProblemKind.OVERLOADED, f"{self._limit} {self._what} are in flight already")
        if own >= self._share and 2 * taken >= self._limit:
            raise ProblemError(
                ProblemKind.RATE_LIMITED, f"This client has {own} {self._what} in flight already; try again later"
            )
        self._held[client] += 1
        try:
            yield
        finally:
            self._held[client] -= 1
            if not self._held[client]:
                del self._held[client]
