"""A slot for one value, in which a newer value replaces an older one (a conflated channel)."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class ClosedError(Exception):
    """The slot is closed; no value follows."""


class LatestValue(Generic[T]):
    """A slot that never blocks its producer. The consumer gets the newest value, and each value once."""

    def __init__(self, on_drop: Callable[[], None] = lambda: None) -> None:
        """Create an empty slot; ``on_drop`` is called for each value that a newer one replaced."""
        self._on_drop = on_drop
        self._value: T | None = None
        self._closed = False
        self._changed = asyncio.Event()

    def put(self, value: T) -> None:
        """Set the value; an unread one is dropped."""
        if self._value is not None:
            self._on_drop()
        self._value = value
        self._changed.set()

    def close(self) -> None:
        """Wake the consumer; ``get`` raises once the slot is empty."""
        self._closed = True
        self._changed.set()

    def get_nowait(self) -> T | None:
        """Return the value, or None if the slot is empty."""
        value, self._value = self._value, None
        if not self._closed:
            self._changed.clear()
        return value

    def clear(self) -> None:
        """Discard the value without counting a drop."""
        self._value = None

    def replace_if_newer(self, value: T) -> T:
        """Return the slot's value and count ``value`` as dropped; return ``value`` if the slot is empty."""
        newer = self.get_nowait()
        if newer is None:
            return value
        self._on_drop()
        return newer

    async def wait(self) -> None:
        """Wait until there is a value or the slot is closed."""
        await self._changed.wait()

    async def get(self) -> T:
        """Return the next value.

        Raises:
            ClosedError: The slot is closed.
        """
        while True:
            await self._changed.wait()
            value = self.get_nowait()
            if value is not None:
                return value
            if self._closed:
                raise ClosedError


class Clearable(Protocol):
    """Something that holds values."""

    def clear(self) -> None:
        """Discard them."""


@contextmanager
def clearing(*slots: Clearable) -> Iterator[None]:
    """Clear the slots after the block: their owner may live until the garbage collector runs."""
    try:
        yield
    finally:
        for slot in slots:
            slot.clear()
