"""Limits that requests share: concurrent requests, bytes in flight, and rates."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from starlette.requests import HTTPConnection

from services.contracts.problems import ProblemKind, ServiceError
from services.runtime.client_address import client_of


class ConcurrencyLimit:
    """Refuses requests beyond those that the service can work on.

    As a dependency of a route it holds a place from before the body is read, so that waiting bodies
    can't fill the memory; with ``slot`` a route holds one for as long as it says.
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
            ServiceError: 503, no place left.
        """
        with self.slot():
            yield

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a place while the block runs.

        Raises:
            ServiceError: 503, no place left.
        """
        if self._in_flight >= self._limit:
            raise ServiceError(ProblemKind.OVERLOADED, f"{self._limit} requests are in flight already")
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1


class FairConcurrencyLimit:
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
            ServiceError: 429, the client has its share; 503, no place left.
        """
        with self.slot(client_of(request)):
            yield

    @contextmanager
    def slot(self, client: str) -> Iterator[None]:
        """Hold a place for a client while the block runs.

        Raises:
            ServiceError: 429, the client has its share; 503, no place left.
        """
        taken, own = self.in_flight, self._held[client]
        if taken >= self._limit:
            raise ServiceError(ProblemKind.OVERLOADED, f"{self._limit} {self._what} are in flight already")
        if own >= self._share and 2 * taken >= self._limit:
            raise ServiceError(
                ProblemKind.RATE_LIMITED, f"This client has {own} {self._what} in flight already; try again later"
            )
        self._held[client] += 1
        try:
            yield
        finally:
            self._held[client] -= 1
            if not self._held[client]:
                del self._held[client]


_SHARES = 8
"""A client's part of a budget that others can't be kept from by it: an eighth."""


class BudgetExceededError(Exception):
    """The budget has no room for more."""


class ByteBudget:
    """Bytes that are received and not worked through yet, of all clients.

    Up to an eighth a client gets what it needs as long as there is room; beyond it only while half of the budget is
    free, so that no client can take everything.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._held = 0
        self._held_by: Counter[str] = Counter()

    @property
    def held(self) -> int:
        """Bytes that are taken."""
        return self._held

    def lease(self, client: str) -> "Lease":
        """Return an empty part of the budget for a client, named by its key or address."""
        return Lease(self, client)

    def move(self, client: str, change: int) -> None:
        """Take more or give back.

        Raises:
            BudgetExceededError: There is no room; nothing was taken.
        """
        if change > 0:
            held, own = self._held + change, self._held_by[client] + change
            if held > self.max_bytes or (own > self.max_bytes // _SHARES and 2 * held > self.max_bytes):
                raise BudgetExceededError
        self._held += change
        self._held_by[client] += change
        if not self._held_by[client]:
            del self._held_by[client]


class Lease:
    """One connection's part of a budget."""

    def __init__(self, budget: ByteBudget, client: str) -> None:
        self._budget = budget
        self._client = client
        self._held = 0

    def resize(self, held: int) -> None:
        """Hold this many bytes from now on.

        Raises:
            BudgetExceededError: There is no room; the part is as large as before.
        """
        self._budget.move(self._client, held - self._held)
        self._held = held


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
