"""Who may ask, and how often."""

import hmac
import math
import time
from collections.abc import Callable, Sequence

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection

from services.contracts.problems import ProblemKind
from services.runtime.problems import ProblemError

API_KEY_HEADER = "X-API-Key"
API_KEY_QUERY = "key"
_BEARER = "bearer "


class ApiKeys:
    """Lets requests through that carry a known key, as ``X-API-Key`` or as a bearer token.

    Where browsers can't send headers (``EventSource``, ``WebSocket``, ``<img>``) it may stand in the query as well.
    Addresses get into the logs of proxies, so other routes don't take it from there.
    """

    def __init__(
        self, keys: Sequence[str], in_query: bool = False, in_headers: Callable[[HTTPConnection], str] | None = None
    ) -> None:
        """Know some keys.

        Args:
            keys: All that are valid; none lets every request through.
            in_query: Whether a key may stand in the query.
            in_headers: Reads a request's key from its headers, where clients have a place of their own for it.
        """
        self._keys = [key.encode() for key in keys]
        self._in_query = in_query
        self._in_headers = in_headers or api_key

    async def __call__(self, request: HTTPConnection) -> None:
        """Check one request.

        Raises:
            ProblemError: 401, no key or a wrong one, where keys are set.
        """
        if self._keys and not self.knows(request):
            query = f" or as ?{API_KEY_QUERY}=" if self._in_query else ""
            raise ProblemError(
                ProblemKind.UNAUTHORIZED, f"Send a known key in the header {API_KEY_HEADER}, as a bearer token{query}"
            )

    def key_of(self, request: HTTPConnection) -> str:
        """Return the key that a request carries, or an empty string; each character is a byte as it was sent."""
        in_headers = self._in_headers(request)
        if in_headers or not self._in_query:
            return in_headers
        return request.query_params.get(API_KEY_QUERY, "").encode().decode("latin-1")

    def knows(self, request: HTTPConnection) -> bool:
        """Tell whether a request carries a known key."""
        given = self.key_of(request).encode("latin-1")
        # Every key is compared, each in constant time, so that timing tells nothing.
        return sum(hmac.compare_digest(given, key) for key in self._keys) > 0


class RateLimit:
    """Refuses clients that ask too often: a client is its known key, else its address.

    It comes before the keys are checked, so that guessing them is limited too.
    """

    def __init__(self, rate: RateLimitItem | None, keys: ApiKeys, counts: MemoryStorage) -> None:
        self._rate = rate
        self._keys = keys
        self._limiter = MovingWindowRateLimiter(counts)

    async def __call__(self, request: HTTPConnection) -> None:
        """Count one request.

        Raises:
            ProblemError: 429, over the limit.
        """
        if self._rate is None:
            return
        client = self._client(request)
        if not self._limiter.hit(self._rate, *client):
            free_at = self._limiter.get_window_stats(self._rate, *client).reset_time
            wait_s = max(1, math.ceil(free_at - time.time()))
            raise ProblemError(
                ProblemKind.RATE_LIMITED,
                f"The limit is {self._rate}; try again in {wait_s} s",
                retry_after_s=wait_s,
                limit=str(self._rate),
            )

    def _client(self, request: HTTPConnection) -> tuple[str, str]:
        if self._keys.knows(request):
            return "key", self._keys.key_of(request)
        return "address", request.client.host if request.client else ""


def api_key(request: HTTPConnection) -> str:
    """Return the key that a request's headers carry, or an empty string."""
    given = request.headers.get(API_KEY_HEADER)
    if given is not None:
        return given
    authorization = request.headers.get("Authorization", "")
    return authorization[len(_BEARER) :].strip() if authorization.lower().startswith(_BEARER) else ""
