"""Who may ask, how often, and how many at the same time."""

import hmac
import math
import time
from collections.abc import AsyncIterator, Sequence

from fastapi import Request
from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from services.contracts.problems import ProblemKind
from services.runtime.problems import ProblemError

API_KEY_HEADER = "X-API-Key"
_BEARER = "bearer "


class ApiKeys:
    """Lets requests through that carry a known key, as ``X-API-Key`` or as a bearer token."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in keys]

    async def __call__(self, request: Request) -> None:
        """Check one request.

        Raises:
            ProblemError: 401, no key or a wrong one, where keys are set.
        """
        if not self._keys:
            return
        given = api_key(request).encode()
        # Every key is compared, each in constant time, so that timing tells nothing.
        known = [hmac.compare_digest(given, key) for key in self._keys]
        if not any(known):
            raise ProblemError(
                ProblemKind.UNAUTHORIZED, f"Send a known key in the header {API_KEY_HEADER} or as a bearer token"
            )


class RateLimit:
    """Refuses clients that ask too often; a client is its key, else its address."""

    def __init__(self, rate: RateLimitItem | None) -> None:
        self._rate = rate
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, request: Request) -> None:
        """Count one request.

        Raises:
            ProblemError: 429, over the limit.
        """
        if self._rate is None:
            return
        client = api_key(request) or (request.client.host if request.client else "")
        if not self._limiter.hit(self._rate, client):
            free_at = self._limiter.get_window_stats(self._rate, client).reset_time
            wait_s = max(1, math.ceil(free_at - time.time()))
            raise ProblemError(
                ProblemKind.RATE_LIMITED, f"The limit is {self._rate}; try again in {wait_s} s", limit=str(self._rate)
            )


class InFlightLimit:
    """Refuses predictions beyond those that the service works on at the same time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._in_flight = 0

    @property
    def in_flight(self) -> int:
        """Predictions being worked on."""
        return self._in_flight

    async def __call__(self) -> AsyncIterator[None]:
        """Hold a place for one request.

        Raises:
            ProblemError: 503, no place left.
        """
        if self._in_flight >= self._most:
            raise ProblemError(ProblemKind.OVERLOADED, f"{self._most} predictions are in flight already")
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1


def api_key(request: Request) -> str:
    """Return the key that a request carries, or an empty string."""
    given = request.headers.get(API_KEY_HEADER)
    if given is not None:
        return given
    authorization = request.headers.get("Authorization", "")
    return authorization[len(_BEARER) :].strip() if authorization.lower().startswith(_BEARER) else ""
