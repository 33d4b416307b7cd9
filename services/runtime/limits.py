"""Limits that requests share: concurrent requests, bytes in flight, and rates."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from starlette.requests import HTTPConnection

from services.contracts.problems import ProblemKind, ServiceError
from services.runtime.client_address import client_of


class ConcurrencyLimit:
    """Rejects requests beyond those that the service can handle.

    As a dependency of a route it holds a slot from before the body is read, so that waiting bodies can't fill the
    memory; with ``slot`` a route holds one while a block runs.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._in_flight = 0

    @property
    def in_flight(self) -> int:
        """Requests in flight."""
        return self._in_flight

    async def __call__(self) -> AsyncIterator[None]:
        """Hold a slot for a whole request.

        Raises:
            ServiceError: 503, no slot is free.
        """
        with self.slot():
            yield

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a slot while the block runs.

        Raises:
            ServiceError: 503, no slot is free.
        """
        if self._in_flight >= self._limit:
            raise ServiceError(ProblemKind.OVERLOADED, f"{self._limit} requests are in flight already")
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1


class FairConcurrencyLimit:
    """A limit that no single client can exhaust.

    Up to its share a client gets any free slot. Beyond its share it gets more only while half of all slots are free.
    """

    def __init__(self, limit: int, share: int, what: str = "requests") -> None:
        """Start with all slots free.

        Args:
            limit: Slots in total.
            share: Slots that each client can get.
            what: What takes the slots, for error messages.
        """
        self._limit = limit
        self._share = share
        self._what = what
        self._held: Counter[str] = Counter()

    @property
    def in_flight(self) -> int:
        """Slots in use."""
        return self._held.total()

    async def __call__(self, request: HTTPConnection) -> AsyncIterator[None]:
        """Hold a slot for a whole request.

        Raises:
            ServiceError: 429, the client has its share; 503, no slot is free.
        """
        with self.slot(client_of(request)):
            yield

    @contextmanager
    def slot(self, client: str) -> Iterator[None]:
        """Hold a slot for a client while the block runs.

        Raises:
            ServiceError: 429, the client has its share; 503, no slot is free.
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
"""Each client's own share of a budget is an eighth."""


class BudgetExceededError(Exception):
    """The budget has no room for more."""


class ByteBudget:
    """Bounds the bytes in flight of all clients: received, and not processed yet.

    Up to an eighth a client gets what it needs while there is room; beyond that only while half of the budget is free,
    so that no client can exhaust it.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._held = 0
        self._held_by: Counter[str] = Counter()

    @property
    def held(self) -> int:
        """Bytes in use."""
        return self._held

    def lease(self, client: str) -> "Lease":
        """Return an empty lease for a client, which is identified by its key or address."""
        return Lease(self, client)

    def move(self, client: str, change: int) -> None:
        """Take or return bytes.

        Raises:
            BudgetExceededError: There is no room; nothing has changed.
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
    """One connection's share of a budget."""

    def __init__(self, budget: ByteBudget, client: str) -> None:
        self._budget = budget
        self._client = client
        self._held = 0

    def resize(self, held: int) -> None:
        """Hold this many bytes.

        Raises:
            BudgetExceededError: There is no room; the lease is unchanged.
        """
        self._budget.move(self._client, held - self._held)
        self._held = held


BURST_S = 10.0
"""A burst may be this many seconds' worth."""


class TokenBucket:
    """Bounds an average rate, with bursts."""

    def __init__(self, per_s: float, now: float) -> None:
        """Start full.

        Args:
            per_s: Average rate.
            now: Monotonic time in seconds, here and below.
        """
        self._per_s = per_s
        self._tokens = per_s * BURST_S
        self._at = now

    def take(self, now: float) -> bool:
        """Return whether one more is allowed now, and count it."""
        self._tokens = min(self._per_s * BURST_S, self._tokens + (now - self._at) * self._per_s)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
