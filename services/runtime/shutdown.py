"""The moment from which a process takes no new work."""

import time
from collections.abc import Awaitable, Callable


class Stopping:
    """Set once, on SIGTERM or SIGINT; health reads it, the server acts on it."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._before_closing: list[Callable[[], Awaitable[None]]] = []

    def before_closing(self, call: Callable[[], Awaitable[None]]) -> None:
        """Have this awaited when nobody new can connect and no connection is closed yet: it ends what has no end."""
        self._before_closing.append(call)

    async def end_the_endless(self) -> None:
        """Await what was asked for with ``before_closing``."""
        for call in self._before_closing:
            await call()

    def begin(self) -> None:
        """Start to stop; later calls change nothing."""
        if self._since is None:
            self._since = time.monotonic()

    @property
    def begun(self) -> bool:
        """Whether the process is stopping."""
        return self._since is not None

    def begun_for(self, seconds: float) -> bool:
        """Tell whether the process has been stopping for at least this long."""
        return self._since is not None and time.monotonic() - self._since >= seconds
