"""The state of a process's shutdown."""

import time
from collections.abc import Awaitable, Callable

from services.runtime.clock import Clock


class ShutdownState:
    """Set once, on SIGTERM or SIGINT; readiness reports it and the server acts on it."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._started_at: float | None = None
        self._hooks: list[Callable[[], Awaitable[None]]] = []

    def add_hook(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Register a function that ends endless responses; the server awaits it before it closes connections."""
        self._hooks.append(hook)

    async def run_hooks(self) -> None:
        """Await all hooks, in the order in which they were added."""
        for hook in self._hooks:
            await hook()

    def start(self) -> None:
        """Start to shut down; later calls change nothing."""
        if self._started_at is None:
            self._started_at = self._clock()

    @property
    def started(self) -> bool:
        """Whether the process is shutting down."""
        return self._started_at is not None

    def started_for(self, seconds: float) -> bool:
        """Return whether the shutdown started at least this many seconds ago."""
        return self._started_at is not None and self._clock() - self._started_at >= seconds
