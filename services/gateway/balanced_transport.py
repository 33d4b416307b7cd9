"""HTTP to whatever number of servers stands behind one name."""

import asyncio

import httpx

from services.gateway.name_lookup import NameLookup
from services.gateway.replicas import Replica, Replicas

CONNECT_TIMEOUT_S = 0.5
"""To look up a name, and again to connect: neighbours answer in a millisecond, those that are gone never."""
LIFE_TIMEOUT_S = 0.2
"""For a sign of life from a server that failed before."""
_LIFE_PATH = "/healthz"
_NOBODY_THERE = (httpx.ConnectError, httpx.ConnectTimeout)


class BalancedTransport(httpx.AsyncBaseTransport):
    """Spreads requests over all addresses of their host's name.

    Without it a name's first address gets them all, and connections that are kept stay there.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, lookup: NameLookup) -> None:
        """Use a transport that connects to addresses, and the lookup of the only host that is asked for."""
        self._transport = transport
        self._lookup = lookup
        self._replicas = Replicas()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request to one of the servers."""
        replica = await self._choose(request)
        replica.under_way += 1
        try:
            response = await self._transport.handle_async_request(_addressed(request, replica.address))
        except _NOBODY_THERE:
            self._lookup.forget()
            self._replicas.failed(replica)
            raise
        except (httpx.TransportError, asyncio.CancelledError):  # cancelled: it took too long
            self._replicas.failed(replica)
            raise
        finally:
            replica.under_way -= 1
        self._replicas.answered(replica)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _choose(self, request: httpx.Request) -> Replica:
        """Return the server to ask; one that failed must show a sign of life before, where there is another."""
        addresses = await self._addresses(request)
        replica = self._replicas.choose(addresses)
        for _ in addresses[1:]:
            if replica.failures == 0 or await self._lives(request, replica):
                break
            self._replicas.failed(replica)
            replica = self._replicas.choose(addresses)
        return replica

    async def _lives(self, request: httpx.Request, replica: Replica) -> bool:
        url = request.url.copy_with(path=_LIFE_PATH, query=None)
        timeout = httpx.Timeout(LIFE_TIMEOUT_S).as_dict()
        probe = httpx.Request("GET", url, extensions={"timeout": timeout})
        replica.under_way += 1
        try:
            response = await self._transport.handle_async_request(_addressed(probe, replica.address))
            await response.aread()
            await response.aclose()
        except httpx.TransportError:
            return False
        finally:
            replica.under_way -= 1
        return response.status_code == 200

    async def _addresses(self, request: httpx.Request) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return await self._lookup.addresses()
        except OSError as error:  # TimeoutError is one
            raise httpx.ConnectError(f"no address of {request.url.host}", request=request) from error


def _addressed(request: httpx.Request, address: str) -> httpx.Request:
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
