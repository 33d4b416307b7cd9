"""What runs for as long as somebody needs it."""

import asyncio
import logging
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from services.contracts.problems import ProblemKind, ServiceError

_log = logging.getLogger(__name__)


class Runs(Protocol):
    """Something with work of its own."""

    async def run(self) -> None:
        """Work until cancelled."""


K = TypeVar("K", bound=Hashable)
T = TypeVar("T", bound=Runs)


@dataclass
class _Life(Generic[T]):
    thing: T
    task: asyncio.Task[None]
    holders: int = 0
    needed_until: float = 0.0


class Lifetimes(Generic[K, T]):
    """Starts a thing for each key when it is first needed, and ends it when it no longer is."""

    def __init__(self, make: Callable[[K], T], most: int, linger_s: float = 0.0) -> None:
        """Keep nothing yet.

        Args:
            make: Makes a thing, which then runs.
            most: How many may run at the same time.
            linger_s: How long a thing runs on when its last holder has gone.
        """
        self._make = make
        self._most = most
        self._linger_s = linger_s
        self._is_healthy: dict[K, _Life[T]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._is_healthy)

    def get(self, key: K) -> T | None:
        """Return the thing if it runs."""
        life = self._is_healthy.get(key)
        return life.thing if life else None

    @contextmanager
    def hold(self, key: K) -> Iterator[T]:
        """Need the thing while the block runs.

        Raises:
            ServiceError: 503, too many run already.
        """
        life = self._life(key)
        life.holders += 1
        try:
            yield life.thing
        finally:
            life.holders -= 1
            self._need(key, life, self._linger_s)

    def keep(self, key: K, seconds: float) -> T:
        """Need the thing for some time.

        Raises:
            ServiceError: 503, too many run already.
        """
        life = self._life(key)
        self._need(key, life, seconds)
        return life.thing

    def no_more(self) -> None:
        """Start nothing new from now on."""
        self._most = 0

    async def close(self) -> None:
        """End all things and wait for it."""
        for key in list(self._is_healthy):
            self._end(key, self._is_healthy[key])
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _life(self, key: K) -> _Life[T]:
        life = self._is_healthy.get(key)
        if life is None:
            if len(self._is_healthy) >= self._most:
                raise ServiceError(ProblemKind.OVERLOADED, f"{len(self._is_healthy)} cameras are followed already")
            thing = self._make(key)
            life = self._is_healthy[key] = _Life(thing, asyncio.create_task(thing.run()))
            life.task.add_done_callback(lambda task: self._ended(key, task))
        return life

    def _need(self, key: K, life: _Life[T], seconds: float) -> None:
        now = asyncio.get_running_loop().time()
        life.needed_until = max(life.needed_until, now + seconds)
        self._end_if_due(key, life)

    def _end_if_due(self, key: K, life: _Life[T]) -> None:
        if life.holders or self._is_healthy.get(key) is not life:
            return
        loop = asyncio.get_running_loop()
        left = life.needed_until - loop.time()
        if left > 0:
            loop.call_later(left, self._end_if_due, key, life)
        else:
            self._end(key, life)

    def _end(self, key: K, life: _Life[T]) -> None:
        del self._is_healthy[key]
        self._ending.add(life.task)
        life.task.cancel()

    def _ended(self, key: K, task: asyncio.Task[None]) -> None:
        self._ending.discard(task)
        life = self._is_healthy.get(key)
        if life is not None and life.task is task:
            del self._is_healthy[key]  # the next who needs it gets a new one
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%r ended", key, exc_info=error)
