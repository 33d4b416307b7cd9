"""One piece of work for all who ask for it at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SharedCalls(Generic[K, V]):
    """Runs a call once for each key; those who come while it runs wait for the same outcome.

    One who goes away takes nothing from the others. An outcome is forgotten as soon as it is there.
    """

    def __init__(self) -> None:
        self._running: dict[K, asyncio.Task[V]] = {}

    async def run(self, key: K, call: Callable[[], Awaitable[V]]) -> V:
        """Return the outcome of the call that runs for this key, starting it if none does."""
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(_awaited(call))
            self._running[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        try:
            return await asyncio.shield(task)
        finally:
            del task  # whose error holds this frame, and so all that was at work, until the garbage collector comes

    def _forget(self, key: K, task: asyncio.Task[V]) -> None:
        del self._running[key]
        if not task.cancelled():
            task.exception()  # seen, even where everyone who asked has gone away


async def _awaited(call: Callable[[], Awaitable[V]]) -> V:
    return await call()
