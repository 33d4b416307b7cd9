"""HTTP to whatever number of servers stands behind one name."""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

import httpx

from services.runtime.clock import Clock

TTL_S = 1.0
"""How long addresses are believed before they are looked up again."""
RESOLVE_TIMEOUT_S = 2.0
"""How long one lookup may take: a resolver that is asked for a name which is gone may wait for others for long."""


def resolve(host: str) -> Sequence[str]:
    """Return a name's addresses, in the order in which the resolver prefers them; this blocks.

    Raises:
        OSError: There is none, or the resolver fails.
    """
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class CachingResolver:
    """One name's addresses. One lookup at a time, in a thread of its own.

    Threads that other lookups share could all be waiting for a name that is gone, and hold up the others.
    """

    def __init__(self, host: str, resolve: Callable[[str], Sequence[str]] = resolve) -> None:
        self._host = host
        self._resolve = resolve
        self._known: tuple[str, ...] = ()
        self._looked_up_at_s = 0.0
        self._running: asyncio.Task[tuple[str, ...]] | None = None

    async def addresses(self) -> tuple[str, ...]:
        """Return the addresses: those known, while they are looked up anew where they aren't fresh.

        Raises:
            OSError: The name has none, as far as is known.
        """
        if self._known and monotonic() - self._looked_up_at_s < TTL_S:
            return self._known
        if self._running is None:
            self._looked_up_at_s = monotonic()
            self._running = asyncio.create_task(self._look_up())
            self._running.add_done_callback(self._finish)
        return self._known or await asyncio.shield(self._running)

    def invalidate(self) -> None:
        """Believe the known addresses no more: nobody was found at one of them."""
        self._known = ()

    async def _look_up(self) -> tuple[str, ...]:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Sequence[str]] = loop.create_future()

        def look() -> None:
            try:
                addresses: Sequence[str] | OSError = self._resolve(self._host)
            except OSError as error:
                addresses = error
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, found, addresses)

        threading.Thread(target=look, name=f"lookup-{self._host}", daemon=True).start()
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            return tuple(dict.fromkeys(await found))

    def _finish(self, task: asyncio.Task[tuple[str, ...]]) -> None:
        self._running = None
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._known = task.result()
        elif isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN:
            self._known = ()  # the resolver is sure that there is none; else it just can't tell


def _settle(found: asyncio.Future[Sequence[str]], addresses: Sequence[str] | OSError) -> None:
    if found.done():
        return  # given up
    if isinstance(addresses, OSError):
        found.set_exception(addresses)
    else:
        found.set_result(addresses)


EJECTION_S = 1.0
"""How long a server that failed is passed over; twice as long after each further failure."""
MAX_EJECTION_S = 8.0


@dataclass
class Replica:
    """One server.

    Attributes:
        address: Its host's address.
        in_flight: Requests that it works on.
        failures: Failures in a row.
        shunned_until_s: By the monotonic clock.
        used: Counts choices; the one with the lowest number was chosen the longest ago.
    """

    address: str
    in_flight: int = 0
    failures: int = 0
    ejected_until_s: float = 0.0
    used: int = 0


class Replicas:
    """All servers that were chosen so far, and how they did.

    The one with the fewest requests under way is next, in turn where several have as few. One that
    failed is passed over for a while, if there is another; then one caller tries it.
    """

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._known: dict[str, Replica] = {}
        self._choices = 0

    def choose(self, addresses: Sequence[str]) -> Replica:
        """Return the server of one of these addresses, of which there is one at least."""
        self._known = {
            address: replica
            for address, replica in self._known.items()
            if address in addresses or replica.in_flight or replica.failures
        }
        chosen = min((self._known.setdefault(address, Replica(address)) for address in addresses), key=self._rank)
        self._choices += 1
        chosen.used = self._choices
        return chosen

    def record_failure(self, replica: Replica) -> None:
        """Pass a server over for a while."""
        pause_s = min(EJECTION_S * 2**replica.failures, MAX_EJECTION_S)
        replica.failures += 1
        replica.ejected_until_s = self._clock() + pause_s

    def record_success(self, replica: Replica) -> None:
        """Trust a server again."""
        replica.failures = 0
        replica.ejected_until_s = 0.0

    def _rank(self, replica: Replica) -> tuple[bool, int, int]:
        half_open = replica.failures > 0 and replica.in_flight > 0
        return half_open or replica.ejected_until_s > self._clock(), replica.in_flight, replica.used


CONNECT_TIMEOUT_S = 0.5
"""To look up a name, and again to connect: neighbours answer in a millisecond, those that are gone never."""
PROBE_TIMEOUT_S = 0.2
"""For a sign of life from a server that failed before."""
_HEALTH_PATH = "/healthz"
_CONNECT_ERRORS = (httpx.ConnectError, httpx.ConnectTimeout)


class BalancedTransport(httpx.AsyncBaseTransport):
    """Spreads requests over all addresses of their host's name.

    Without it a name's first address gets them all, and connections that are kept stay there.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, lookup: CachingResolver) -> None:
        """Use a transport that connects to addresses, and the lookup of the only host that is asked for."""
        self._transport = transport
        self._lookup = lookup
        self._replicas = Replicas()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request to one of the servers."""
        replica = await self._choose(request)
        replica.in_flight += 1
        try:
            response = await self._transport.handle_async_request(_with_host(request, replica.address))
        except _CONNECT_ERRORS:
            self._lookup.invalidate()
            self._replicas.record_failure(replica)
            raise
        except (httpx.TransportError, asyncio.CancelledError):  # cancelled: it took too long
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
        """Return the server to ask; one that failed must show a sign of life before, where there is another."""
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
                return await self._lookup.addresses()
        except OSError as error:  # TimeoutError is one
            raise httpx.ConnectError(f"no address of {request.url.host}", request=request) from error


def _with_host(request: httpx.Request, address: str) -> httpx.Request:
    """Return the request to an address; it still names its host, to the server and to TLS."""
    if request.url.host == address:
        return request
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )
