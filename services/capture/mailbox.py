"""A mailbox of one slot between the thread that reads and the thread that publishes."""

from threading import Condition, Event
from typing import Generic, TypeVar

T = TypeVar("T")
_LOOK_UP_S = 0.05


class Mailbox(Generic[T]):
    """Holds one item at most, so that what is taken is never old."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._item: T | None = None
        self._closed = False

    def replace(self, item: T) -> bool:
        """Put an item in, in place of one that nobody took; return whether there was one."""
        with self._changed:
            displaced = self._item is not None
            self._item = item
            self._changed.notify_all()
            return displaced

    def put(self, item: T, leave: Event) -> bool:
        """Put an item in once the slot is free; return false where ``leave`` was set before that."""
        with self._changed:
            while self._item is not None:
                if leave.is_set():
                    return False
                self._changed.wait(_LOOK_UP_S)
            self._item = item
            self._changed.notify_all()
            return True

    def take(self) -> T | None:
        """Wait for an item and return it; none once the mailbox is closed and empty."""
        with self._changed:
            while self._item is None and not self._closed:
                self._changed.wait()
            item, self._item = self._item, None
            self._changed.notify_all()
            return item

    def take_now(self) -> T | None:
        """Return the item if there is one."""
        with self._changed:
            item, self._item = self._item, None
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Let ``take`` end once what is inside was taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
