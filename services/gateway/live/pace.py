"""When a camera's picture is searched for new faces, and how many searches run at the same time."""

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

SHARED_DUTY = 0.8
"""Likewise for the searches of all other cameras together: more cameras are searched less often, since with many the
frames' results are what there is too little time for."""

WHOLE_EVERY_S = 2.0
"""In between only what has changed is searched, which is little of most pictures. A face that was missed when it came,
or was uncovered bit by bit, and keeps still since, shows within this time; with more cameras, within a quarter more for
each."""

MOST_WHOLE_EVERY_S = 5.0
"""But within this at most."""

_FIRST_GUESS_S = 0.05
_NEWEST_WEIGHT = 0.3


class SearchPace:
    """Spreads one camera's searches for new faces over time; all times are in seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._takes_s = _FIRST_GUESS_S
        self._began_s = float("-inf")
        self._hastened = False
        self._searching = False

    def due(self, now_s: float, others: float = 0) -> bool:
        """Tell whether it is time to search again.

        Args:
            now_s: The time.
            others: How many other cameras share what may be searched at the same time.
        """
        if self._searching:
            return False
        pause_s = self._takes_s * (1 / MOST_DUTY + others / SHARED_DUTY)
        if not self._hastened:
            pause_s = max(pause_s, APPEAR_S - FOLLOWING_S - self._takes_s)
        return now_s - self._began_s >= pause_s

    def hasten(self) -> None:
        """Search as soon as may be: a face was lost, and may be elsewhere."""
        self._hastened = True

    @contextmanager
    def search(self, clock: Callable[[], float] = monotonic, counts: bool = True) -> Iterator[None]:
        """Take note of a search, which the block does.

        One that fails says nothing about how long the next takes, nor does one that doesn't count since it is
        another kind of search than most.
        """
        self._searching, self._hastened, self._began_s = True, False, clock()
        try:
            yield
            if counts:
                self._takes_s += _NEWEST_WEIGHT * (clock() - self._began_s - self._takes_s)
        finally:
            self._searching = False


class DetectorShare:
    """What all cameras together may ask of the detector at the same time; those who wait take turns."""

    def __init__(self, hinted: int, full: int) -> None:
        """Allow this many searches around hints and this many for new faces."""
        self.hinted = asyncio.Semaphore(hinted)
        self.full = asyncio.Semaphore(full)
        self._searches = full
        self._cameras = 0

    @property
    def others(self) -> float:
        """How many other cameras a camera shares one search at a time with."""
        return max(0, self._cameras - 1) / self._searches

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Count a camera while the block runs."""
        self._cameras += 1
        try:
            yield
        finally:
            self._cameras -= 1
