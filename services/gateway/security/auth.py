"""API keys, the rate limit, and the limit of wrong keys."""

import asyncio
import hashlib
import hmac
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from fastapi import Depends, params
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from prometheus_client import CollectorRegistry, Counter
from starlette.requests import HTTPConnection

from services.contracts.problems import ProblemKind, ServiceError
from services.runtime.client_address import address_group

API_KEY_HEADER = "X-API-Key"
API_KEY_QUERY = "key"
WRONG_KEYS_LIMIT = RateLimitItemPerMinute(20)
"""Wrong keys of an address that get 401. Beyond it, every key that is new for the address gets 429."""
WRONG_KEY_DELAY_S = 0.5
"""Delay of the answer to a wrong key."""
MAX_REMEMBERED_CLIENTS = 10_000
_BEARER = "bearer "
KeyExtractor = Callable[[HTTPConnection], str]
_log = logging.getLogger(__name__)


class WrongKeyLimiter:
    """Limits how many keys can be tried from an address.

    Beyond the limit a valid key is refused too, since otherwise the answer would reveal that it is valid. Clients that
    have used their key from the address before aren't refused, so others at the address can't lock them out.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        limit: RateLimitItem = WRONG_KEYS_LIMIT,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Create the limiter.

        Args:
            registry: Registers the counter of wrong keys.
            limit: Most wrong keys of an address.
            sleep: Delays an answer.
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
            client: Names the request's key if it is valid.

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
        """Count a wrong key and delay its answer."""
        self._count.inc()
        self._limiter.hit(self._limit, address)
        _log.warning("a wrong API key came from %s", address)
        await self._sleep(WRONG_KEY_DELAY_S)


class ApiKeyAuth:
    """Requires a valid API key, as ``X-API-Key`` or as a bearer token.

    Routes that browsers use without headers (``EventSource``, ``WebSocket``, ``<img>``) also accept it in the query.
    The others don't, since proxies log addresses.
    """

    def __init__(
        self,
        keys: Sequence[str],
        wrong_keys: WrongKeyLimiter,
        in_query: bool = False,
        extractor: KeyExtractor | None = None,
    ) -> None:
        """Create the check.

        Args:
            keys: All valid keys; none for an open API.
            wrong_keys: Limits the wrong ones.
            in_query: Whether the key may be in the query.
            extractor: Reads the key from other headers.
        """
        self._keys = [key.encode() for key in keys]
        self._wrong_keys = wrong_keys
        self._in_query = in_query
        self._extractor = extractor or api_key

    async def __call__(self, request: HTTPConnection) -> None:
        """Check one request and set ``request.state.client``, the client that limits count it for.

        Raises:
            ServiceError: 401, keys are set and the request has no valid one; 429, too many wrong keys.
        """
        address = _address(request)
        request.state.client = address
        if not self._keys:
            return
        key = self.extract(request)
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

    def extract(self, request: HTTPConnection) -> str:
        """Return the request's key, or an empty string. Each character stands for one byte as sent."""
        key = self._extractor(request)
        if key or not self._in_query:
            return key
        return request.query_params.get(API_KEY_QUERY, "").encode().decode("latin-1")

    def client_of(self, request: HTTPConnection) -> str:
        """Return the client that limits count a request for: its key if that is valid, else its address."""
        return self._client(self.extract(request)) or _address(request)

    def _client(self, key: str) -> str | None:
        """Return a name for a valid key, which doesn't reveal the key; None for any other."""
        key_bytes = key.encode("latin-1")
        # Every key is compared, each in constant time, so the response time reveals nothing.
        if not sum(hmac.compare_digest(key_bytes, known) for known in self._keys):
            return None
        return f"key {hashlib.sha256(key_bytes).hexdigest()[:16]}"


class RateLimit:
    """Refuses clients that send too many requests. A client is identified by its valid key, else by its address."""

    def __init__(self, rate: RateLimitItem | None, auth: ApiKeyAuth, storage: MemoryStorage) -> None:
        self._rate = rate
        self._auth = auth
        self._limiter = MovingWindowRateLimiter(storage)

    async def __call__(self, request: HTTPConnection) -> None:
        """Count one request.

        Raises:
            ServiceError: 429, the client exceeds the limit.
        """
        if self._rate is None:
            return
        client = self._auth.client_of(request)
        if not self._limiter.hit(self._rate, client):
            raise _rate_limited(self._limiter, self._rate, client, f"The limit is {self._rate}")


@dataclass(frozen=True)
class AccessControl:
    """The API keys and the rate limit that all routes share.

    Attributes:
        keys: All valid keys; none for an open API.
        wrong_keys: Limits the wrong keys of an address.
        rate: The rate limit, if one is set.
        storage: Counts requests.
    """

    keys: Sequence[str]
    wrong_keys: WrongKeyLimiter
    rate: RateLimitItem | None
    storage: MemoryStorage = field(default_factory=MemoryStorage)

    def key_auth(self, in_query: bool = False, extractor: KeyExtractor | None = None) -> ApiKeyAuth:
        """Return the check of keys; arguments as for ``ApiKeyAuth``."""
        return ApiKeyAuth(self.keys, self.wrong_keys, in_query, extractor)

    def rate_limit(self, auth: ApiKeyAuth) -> RateLimit:
        """Return the rate limit for clients that this check identifies."""
        return RateLimit(self.rate, auth, self.storage)

    def dependencies(self, in_query: bool = False, extractor: KeyExtractor | None = None) -> list[params.Depends]:
        """Return the dependencies of routes: first the rate limit, so that it also limits wrong keys, then the key."""
        auth = self.key_auth(in_query, extractor)
        return [Depends(self.rate_limit(auth)), Depends(auth)]


def _rate_limited(limiter: MovingWindowRateLimiter, rate: RateLimitItem, client: str, why: str) -> ServiceError:
    wait_s = max(1, math.ceil(limiter.get_window_stats(rate, client).reset_time - time.time()))
    return ServiceError(
        ProblemKind.RATE_LIMITED, f"{why}; try again in {wait_s} s", retry_after_s=wait_s, limit=str(rate)
    )


def _address(request: HTTPConnection) -> str:
    return address_group(request.client.host if request.client else None)


def api_key(request: HTTPConnection) -> str:
    """Return the API key in a request's headers, or an empty string."""
    key = request.headers.get(API_KEY_HEADER)
    if key is not None:
        return key
    authorization = request.headers.get("Authorization", "")
    return authorization[len(_BEARER) :].strip() if authorization.lower().startswith(_BEARER) else ""
