"""When a camera's picture is searched whole, and how many searches run at the same time."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

APPEAR_S = 0.3
"""A new face shows in the results within this time, where the machine can do it."""

FOLLOWING_S = 0.07
"""From the end of a search to the result of the next frame, which looks where the search found faces."""

MOST_DUTY = 2 / 3
"""The part of its time that a camera's searches may take of one core: the rest belongs to the frames' results."""

DETECTIONS = 8
"""Searches around hints at the same time, over all cameras."""

_FIRST_GUESS_S = 0.1
_NEWEST_WEIGHT = 0.3


class SearchPace:
    """Spreads one camera's full searches over time; all times are in seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._takes_s = _FIRST_GUESS_S
        self._began_s = float("-inf")
        self._hastened = False
        self._searching = False

    def due(self, now_s: float) -> bool:
        """Tell whether it is time to search again."""
        if self._searching:
            return False
        pause_s = self._takes_s / MOST_DUTY
        if not self._hastened:
            pause_s = max(pause_s, APPEAR_S - FOLLOWING_S - self._takes_s)
        return now_s - self._began_s >= pause_s

    def hasten(self) -> None:
        """Search as soon as may be: a face was lost, and may be elsewhere."""
        self._hastened = True

    @contextmanager
    def search(self, clock: Callable[[], float] = monotonic) -> Iterator[None]:
        """Take note of a search, which the block does; one that fails says nothing about the next."""
        self._searching, self._hastened, self._began_s = True, False, clock()
        try:
            yield
            self._takes_s += _NEWEST_WEIGHT * (clock() - self._began_s - self._takes_s)
        finally:
            self._searching = False


class DetectorShare:
    """What all cameras together may ask of the detector at the same time; those who wait take turns."""

    def __init__(self, hinted: int, full: int) -> None:
        """Allow this many searches around hints and this many of whole pictures."""
        self.hinted = asyncio.Semaphore(hinted)
        self.full = asyncio.Semaphore(full)
