"""API keys, limits of requests, and limits of wrong keys."""

import asyncio
import hashlib
import hmac
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from prometheus_client import CollectorRegistry, Counter
from starlette.requests import HTTPConnection

from services.contracts.problems import ProblemKind, ServiceError
from services.runtime.client_address import address_group

API_KEY_HEADER = "X-API-Key"
API_KEY_QUERY = "key"
WRONG_KEYS = RateLimitItemPerMinute(20)
"""How many wrong keys of an address are answered with 401; then every key that is new from there gets 429."""
WRONG_KEY_DELAY_S = 0.5
"""How long the answer to a wrong key is held back."""
MAX_REMEMBERED_CLIENTS = 10_000
_BEARER = "bearer "
_log = logging.getLogger(__name__)


class WrongKeys:
    """Limits how many keys can be tried from an address.

    Over the limit a right key is refused as well, since otherwise the answer would tell that it is right. Clients
    that have used their key from there before are let through: others at the same address can't lock them out.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        limit: RateLimitItem = WRONG_KEYS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Begin without any.

        Args:
            registry: Where wrong keys are counted.
            limit: How many an address may send.
            sleep: Holds an answer back.
        """
        self._limit = limit
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._sleep = sleep
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._count = Counter("gateway_wrong_keys", "Requests with a wrong API key", registry=registry)

    def check(self, address: str, client: str | None) -> None:
        """Refuse a request from an address that has sent too many wrong keys.

        Args:
            address: The address group of the request.
            client: Names its key if that is right.

        Raises:
            ServiceError: 429.
        """
        if client is not None and (address, client) in self._known:
            self._known.move_to_end((address, client))
            return
        if not self._limiter.test(self._limit, address):
            raise _rate_limited(self._limiter, self._limit, address, "Too many wrong keys came from this address")
        if client is not None:
            self._known[address, client] = None
            if len(self._known) > MAX_REMEMBERED_CLIENTS:
                self._known.popitem(last=False)

    async def refuse(self, address: str) -> None:
        """Count a wrong key and hold its answer back."""
        self._count.inc()
        self._limiter.hit(self._limit, address)
        _log.warning("a wrong API key came from %s", address)
        await self._sleep(WRONG_KEY_DELAY_S)


class ApiKeys:
    """Lets requests through that carry a known key, as ``X-API-Key`` or as a bearer token.

    Where browsers can't send headers (``EventSource``, ``WebSocket``, ``<img>``) it may stand in the query as well.
    Addresses get into the logs of proxies, so other routes don't take it from there.
    """

    def __init__(
        self,
        keys: Sequence[str],
        wrong_keys: WrongKeys,
        in_query: bool = False,
        in_headers: Callable[[HTTPConnection], str] | None = None,
    ) -> None:
        """Know some keys.

        Args:
            keys: All that are valid; none lets every request through.
            wrong_keys: Counts wrong ones.
            in_query: Whether a key may stand in the query.
            in_headers: Reads a request's key from its headers, where clients have a place of their own for it.
        """
        self._keys = [key.encode() for key in keys]
        self._wrong_keys = wrong_keys
        self._in_query = in_query
        self._in_headers = in_headers or api_key

    async def __call__(self, request: HTTPConnection) -> None:
        """Check one request, and name its client in ``request.state.client``.

        Raises:
            ServiceError: 401, no key or a wrong one, where keys are set; 429, too many wrong keys.
        """
        address = _address(request)
        request.state.client = address
        if not self._keys:
            return
        key = self.key_of(request)
        client = self._client(key)
        self._wrong_keys.check(address, client)
        if client is None:
            if key:
                await self._wrong_keys.refuse(address)
            query = f" or as ?{API_KEY_QUERY}=" if self._in_query else ""
            raise ServiceError(
                ProblemKind.UNAUTHORIZED, f"Send a known key in the header {API_KEY_HEADER}, as a bearer token{query}"
            )
        request.state.client = client

    def key_of(self, request: HTTPConnection) -> str:
        """Return the key that a request carries, or an empty string; each character is a byte as it was sent."""
        in_headers = self._in_headers(request)
        if in_headers or not self._in_query:
            return in_headers
        return request.query_params.get(API_KEY_QUERY, "").encode().decode("latin-1")

    def client_of(self, request: HTTPConnection) -> str:
        """Return what a request counts for: its key if that is right, else its address."""
        return self._client(self.key_of(request)) or _address(request)

    def _client(self, key: str) -> str | None:
        """Return a name for a right key, which doesn't tell the key; None for any other."""
        given = key.encode("latin-1")
        # Every key is compared, each in constant time, so that timing tells nothing.
        if not sum(hmac.compare_digest(given, known) for known in self._keys):
            return None
        return f"key {hashlib.sha256(given).hexdigest()[:16]}"


class RateLimit:
    """Refuses clients that send too many requests: a client is its known key, else its address.

    It comes before the keys are checked, so that trying keys is limited too.
    """

    def __init__(self, rate: RateLimitItem | None, keys: ApiKeys, counts: MemoryStorage) -> None:
        self._rate = rate
        self._keys = keys
        self._limiter = MovingWindowRateLimiter(counts)

    async def __call__(self, request: HTTPConnection) -> None:
        """Count one request.

        Raises:
            ServiceError: 429, over the limit.
        """
        if self._rate is None:
            return
        client = self._keys.client_of(request)
        if not self._limiter.hit(self._rate, client):
            raise _rate_limited(self._limiter, self._rate, client, f"The limit is {self._rate}")


def _rate_limited(limiter: MovingWindowRateLimiter, rate: RateLimitItem, client: str, why: str) -> ServiceError:
    wait_s = max(1, math.ceil(limiter.get_window_stats(rate, client).reset_time - time.time()))
    return ServiceError(
        ProblemKind.RATE_LIMITED, f"{why}; try again in {wait_s} s", retry_after_s=wait_s, limit=str(rate)
    )


def _address(request: HTTPConnection) -> str:
    return address_group(request.client.host if request.client else None)


def api_key(request: HTTPConnection) -> str:
    """Return the key that a request's headers carry, or an empty string."""
    given = request.headers.get(API_KEY_HEADER)
    if given is not None:
        return given
    authorization = request.headers.get("Authorization", "")
    return authorization[len(_BEARER) :].strip() if authorization.lower().startswith(_BEARER) else ""
