"""Room for one waiting value: the newest wins."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Closed(Exception):
    """Nothing more will come."""


class Latest(Generic[T]):
    """One who puts never waits; one who takes gets the newest value, and each value once."""

    def __init__(self, on_drop: Callable[[], None] = lambda: None) -> None:
        """Have ``on_drop`` called for each value that a newer one replaced."""
        self._on_drop = on_drop
        self._value: T | None = None
        self._closed = False
        self._changed = asyncio.Event()

    def put(self, value: T) -> None:
        """Leave a value, in the place of one that nobody took."""
        if self._value is not None:
            self._on_drop()
        self._value = value
        self._changed.set()

    def close(self) -> None:
        """Let whoever waits go on."""
        self._closed = True
        self._changed.set()

    def take_now(self) -> T | None:
        """Return the value if one waits."""
        value, self._value = self._value, None
        if not self._closed:
            self._changed.clear()
        return value

    def clear(self) -> None:
        """Let go of the value that waits."""
        self._value = None

    def newer_than(self, value: T) -> T:
        """Return the value that waits, in whose favour the given one is dropped; the given one if none does."""
        newer = self.take_now()
        if newer is None:
            return value
        self._on_drop()
        return newer

    async def wait(self) -> None:
        """Return when a value waits, or none will come."""
        await self._changed.wait()

    async def take(self) -> T:
        """Return the next value.

        Raises:
            Closed: None will come.
        """
        while True:
            await self._changed.wait()
            value = self.take_now()
            if value is not None:
                return value
            if self._closed:
                raise Closed


class Clears(Protocol):
    """Holds values for a while."""

    def clear(self) -> None:
        """Let go of them."""


@contextmanager
def cleared(*slots: Clears) -> Iterator[None]:
    """Have the slots empty after the block: they may outlive it until the garbage collector comes."""
    try:
        yield
    finally:
        for slot in slots:
            slot.clear()
