"""Coalesces concurrent calls for the same key into one (Go's ``singleflight``)."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """Runs one call for each key at a time. Callers that arrive while it runs get the same result or error.

    Cancelling one caller doesn't affect the others. Results aren't cached.
    """

    def __init__(self) -> None:
        self._running: dict[K, asyncio.Task[V]] = {}

    async def run(self, key: K, call: Callable[[], Awaitable[V]]) -> V:
        """Return the result of the call that runs for this key; start it if none runs."""
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(_await(call))
            self._running[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        try:
            return await asyncio.shield(task)
        finally:
            del task  # its error refers to this frame: a reference cycle that would keep the frame's images alive

    def _forget(self, key: K, task: asyncio.Task[V]) -> None:
        del self._running[key]
        if not task.cancelled():
            task.exception()  # marks it as retrieved, in case all callers were cancelled


async def _await(call: Callable[[], Awaitable[V]]) -> V:
    return await call()
