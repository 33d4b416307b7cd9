"""Client-side load balancing: HTTP requests to all addresses of one host name."""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

import httpx

from services.runtime.clock import Clock

TTL_S = 1.0
"""How long resolved addresses are used before the name is resolved again."""
RESOLVE_TIMEOUT_S = 2.0
"""Limit for one lookup. A resolver may wait long for other resolvers if the name no longer exists."""


def resolve(host: str) -> Sequence[str]:
    """Return a host's addresses in the resolver's order. The call blocks.

    Raises:
        OSError: The host has no address, or the resolver fails.
    """
    entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in entries]


class CachingResolver:
    """Resolves one host name and caches its addresses.

    Each lookup has a thread of its own, one at a time: in a shared thread pool, lookups of a name that no longer exists
    could block all others.
    """

    def __init__(
        self,
        host: str,
        resolve: Callable[[str], Sequence[str]] = resolve,
        ttl_s: float = TTL_S,
        timeout_s: float = RESOLVE_TIMEOUT_S,
    ) -> None:
        self._host = host
        self._resolve = resolve
        self._ttl_s = ttl_s
        self._timeout_s = timeout_s
        self._addresses: tuple[str, ...] = ()
        self._resolved_at_s = 0.0
        self._running: asyncio.Task[tuple[str, ...]] | None = None

    async def addresses(self) -> tuple[str, ...]:
        """Return the addresses. Expired addresses are returned while a lookup refreshes them.

        Raises:
            OSError: The host has no address.
        """
        if self._addresses and monotonic() - self._resolved_at_s < self._ttl_s:
            return self._addresses
        if self._running is None:
            self._resolved_at_s = monotonic()
            self._running = asyncio.create_task(self._refresh())
            self._running.add_done_callback(self._finish)
        return self._addresses or await asyncio.shield(self._running)

    def invalidate(self) -> None:
        """Drop the cached addresses, since a connection to one of them failed."""
        self._addresses = ()

    async def _refresh(self) -> tuple[str, ...]:
        loop = asyncio.get_running_loop()
        lookup: asyncio.Future[Sequence[str]] = loop.create_future()

        def resolve_in_thread() -> None:
            try:
                addresses: Sequence[str] | OSError = self._resolve(self._host)
            except OSError as error:
                addresses = error
            if not loop.is_closed():
                loop.call_soon_threadsafe(_set_result, lookup, addresses)

        threading.Thread(target=resolve_in_thread, name=f"lookup-{self._host}", daemon=True).start()
        async with asyncio.timeout(self._timeout_s):
            return tuple(dict.fromkeys(await lookup))

    def _finish(self, task: asyncio.Task[tuple[str, ...]]) -> None:
        self._running = None
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._addresses = task.result()
        elif isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN:
            self._addresses = ()  # the host has no address; other errors are temporary


def _set_result(lookup: asyncio.Future[Sequence[str]], addresses: Sequence[str] | OSError) -> None:
    if lookup.done():
        return  # timed out
    if isinstance(addresses, OSError):
        lookup.set_exception(addresses)
    else:
        lookup.set_result(addresses)


EJECTION_S = 1.0
"""How long a server is ejected after a failure; twice as long after each further failure."""
MAX_EJECTION_S = 8.0


@dataclass
class Replica:
    """One server.

    Attributes:
        address: IP address.
        in_flight: Requests in progress.
        failures: Consecutive failures.
        ejected_until_s: By the monotonic clock.
        last_choice: Number of the last choice of this server.
    """

    address: str
    in_flight: int = 0
    failures: int = 0
    ejected_until_s: float = 0.0
    last_choice: int = 0


class Replicas:
    """Chooses the server with the fewest requests in flight, in turn among equals.

    A failed server is ejected for a while if there is another one. Then one request at a time tries it (half-open).
    """

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._by_address: dict[str, Replica] = {}
        self._choices = 0

    def choose(self, addresses: Sequence[str]) -> Replica:
        """Return the server at one of these addresses, of which there must be at least one."""
        self._by_address = {
            address: replica
            for address, replica in self._by_address.items()
            if address in addresses or replica.in_flight or replica.failures
        }
        chosen = min((self._by_address.setdefault(address, Replica(address)) for address in addresses), key=self._rank)
        self._choices += 1
        chosen.last_choice = self._choices
        return chosen

    def record_failure(self, replica: Replica) -> None:
        """Eject a server for a while."""
        ejection_s = min(EJECTION_S * 2**replica.failures, MAX_EJECTION_S)
        replica.failures += 1
        replica.ejected_until_s = self._clock() + ejection_s

    def record_success(self, replica: Replica) -> None:
        """Readmit a server."""
        replica.failures = 0
        replica.ejected_until_s = 0.0

    def _rank(self, replica: Replica) -> tuple[bool, int, int]:
        half_open = replica.failures > 0 and replica.in_flight > 0
        return half_open or replica.ejected_until_s > self._clock(), replica.in_flight, replica.last_choice


CONNECT_TIMEOUT_S = 0.5
"""Limit for the lookup, and again for the connection. Servers in the same network answer in a millisecond."""
PROBE_TIMEOUT_S = 0.2
"""Limit for the health check of a server that failed before."""
_HEALTH_PATH = "/healthz"
_CONNECT_ERRORS = (httpx.ConnectError, httpx.ConnectTimeout)


class BalancedTransport(httpx.AsyncBaseTransport):
    """Distributes requests over all addresses of a host name.

    httpx connects to the first address only, and its keep-alive connections stay there.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, resolver: CachingResolver) -> None:
        """Wrap a transport. All requests must be for the resolver's host."""
        self._transport = transport
        self._resolver = resolver
        self._replicas = Replicas()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request to one of the servers."""
        replica = await self._choose(request)
        replica.in_flight += 1
        try:
            response = await self._transport.handle_async_request(_with_host(request, replica.address))
        except _CONNECT_ERRORS:
            self._resolver.invalidate()
            self._replicas.record_failure(replica)
            raise
        except (httpx.TransportError, asyncio.CancelledError):  # a cancelled request has timed out
            self._replicas.record_failure(replica)
            raise
        finally:
            replica.in_flight -= 1
        self._replicas.record_success(replica)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _choose(self, request: httpx.Request) -> Replica:
        """Return a server. If there are several, one that failed must pass a health check first."""
        addresses = await self._addresses(request)
        replica = self._replicas.choose(addresses)
        for _ in addresses[1:]:
            if replica.failures == 0 or await self._is_healthy(request, replica):
                break
            self._replicas.record_failure(replica)
            replica = self._replicas.choose(addresses)
        return replica

    async def _is_healthy(self, request: httpx.Request, replica: Replica) -> bool:
        url = request.url.copy_with(path=_HEALTH_PATH, query=None)
        timeout = httpx.Timeout(PROBE_TIMEOUT_S).as_dict()
        probe = httpx.Request("GET", url, extensions={"timeout": timeout})
        replica.in_flight += 1
        try:
            response = await self._transport.handle_async_request(_with_host(probe, replica.address))
            await response.aread()
            await response.aclose()
        except httpx.TransportError:
            return False
        finally:
            replica.in_flight -= 1
        return response.status_code == 200

    async def _addresses(self, request: httpx.Request) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return await self._resolver.addresses()
        except OSError as error:  # TimeoutError is one
            raise httpx.ConnectError(f"no address of {request.url.host}", request=request) from error


def _with_host(request: httpx.Request, address: str) -> httpx.Request:
    """Return the request with an address in its URL. The Host header and TLS still use the host name."""
    if request.url.host == address:
        return request
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )
