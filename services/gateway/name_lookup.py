"""The addresses behind a host's name, looked up again and again beside the event loop."""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from time import monotonic

FRESH_S = 1.0
"""How long addresses are believed before they are looked up again."""
GIVEN_UP_AFTER_S = 2.0
"""How long one lookup may take: a resolver that is asked for a name which is gone may wait for others for long."""


def resolve(host: str) -> Sequence[str]:
    """Return a name's addresses, in the order in which the resolver prefers them; this blocks.

    Raises:
        OSError: There is none, or the resolver fails.
    """
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class NameLookup:
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
        if self._known and monotonic() - self._looked_up_at_s < FRESH_S:
            return self._known
        if self._running is None:
            self._looked_up_at_s = monotonic()
            self._running = asyncio.create_task(self._look_up())
            self._running.add_done_callback(self._finish)
        return self._known or await asyncio.shield(self._running)

    def forget(self) -> None:
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
        async with asyncio.timeout(GIVEN_UP_AFTER_S):
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
