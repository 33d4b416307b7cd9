"""Background tasks that run while they have users, one for each key."""

import asyncio
import logging
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from services.contracts.problems import ProblemKind, ServiceError

_log = logging.getLogger(__name__)


class Runnable(Protocol):
    """An object with a background task."""

    async def run(self) -> None:
        """Run until cancelled."""


K = TypeVar("K", bound=Hashable)
T = TypeVar("T", bound=Runnable)


@dataclass
class _Entry(Generic[T]):
    value: T
    task: asyncio.Task[None]
    users: int = 0
    needed_until_s: float = 0.0


class SharedTasks(Generic[K, T]):
    """Creates and starts an object when its key is first used, and stops it when it has no users."""

    def __init__(self, create: Callable[[K], T], max_entries: int, linger_s: float = 0.0) -> None:
        """Create an empty set.

        Args:
            create: Creates the object of a key.
            max_entries: Most objects that run at the same time.
            linger_s: How long an object runs on after its last user has left.
        """
        self._create = create
        self._max_entries = max_entries
        self._linger_s = linger_s
        self._entries: dict[K, _Entry[T]] = {}
        self._stopping: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> T | None:
        """Return the object if it runs."""
        entry = self._entries.get(key)
        return entry.value if entry else None

    @contextmanager
    def acquire(self, key: K) -> Iterator[T]:
        """Hold a reference to the object while the block runs.

        Raises:
            ServiceError: 503, too many run already.
        """
        entry = self._get_or_create(key)
        entry.users += 1
        try:
            yield entry.value
        finally:
            entry.users -= 1
            self._extend(key, entry, self._linger_s)

    def keep_alive(self, key: K, seconds: float) -> T:
        """Return the object, and keep it running for at least this time.

        Raises:
            ServiceError: 503, too many run already.
        """
        entry = self._get_or_create(key)
        self._extend(key, entry, seconds)
        return entry.value

    def stop_accepting(self) -> None:
        """Create no more objects."""
        self._max_entries = 0

    async def close(self) -> None:
        """Stop all objects and wait until they have stopped."""
        for key in list(self._entries):
            self._stop(key, self._entries[key])
        await asyncio.gather(*self._stopping, return_exceptions=True)

    def _get_or_create(self, key: K) -> _Entry[T]:
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= self._max_entries:
                raise ServiceError(ProblemKind.OVERLOADED, f"{len(self._entries)} live cameras are in use already")
            value = self._create(key)
            entry = self._entries[key] = _Entry(value, asyncio.create_task(value.run()))
            entry.task.add_done_callback(lambda task: self._on_done(key, task))
        return entry

    def _extend(self, key: K, entry: _Entry[T], seconds: float) -> None:
        now_s = asyncio.get_running_loop().time()
        entry.needed_until_s = max(entry.needed_until_s, now_s + seconds)
        self._stop_if_unused(key, entry)

    def _stop_if_unused(self, key: K, entry: _Entry[T]) -> None:
        if entry.users or self._entries.get(key) is not entry:
            return
        loop = asyncio.get_running_loop()
        remaining_s = entry.needed_until_s - loop.time()
        if remaining_s > 0:
            loop.call_later(remaining_s, self._stop_if_unused, key, entry)
        else:
            self._stop(key, entry)

    def _stop(self, key: K, entry: _Entry[T]) -> None:
        del self._entries[key]
        self._stopping.add(entry.task)
        entry.task.cancel()

    def _on_done(self, key: K, task: asyncio.Task[None]) -> None:
        self._stopping.discard(task)
        entry = self._entries.get(key)
        if entry is not None and entry.task is task:
            del self._entries[key]  # the next user gets a new object
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%r ended", key, exc_info=error)
