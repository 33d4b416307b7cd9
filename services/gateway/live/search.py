"""Finds one camera's faces: in each frame where they should be, and new ones now and then where something changed."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import monotonic

from services.contracts.detection import Detection, Searched
from services.contracts.geometry import NMS_IOU, Box, overlaps_any
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.analysis.cameras import as_camera_error
from services.gateway.metrics import LiveMetrics
from services.gateway.protocols import Deadline, FaceDetector, Frame
from services.runtime.clock import Clock

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
    def search(self, clock: Clock = monotonic, counts: bool = True) -> Iterator[None]:
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


MOST_HINTS = 32
"""As many as the detector takes."""

SAME_PLACE_OVERLAP = 0.8
"""From which hiding what is under one of two boxes hides what is under both."""


def distinct_boxes(boxes: Iterable[Box], same: float = NMS_IOU) -> tuple[Box, ...]:
    """Return the boxes without those that overlap an earlier one that much."""
    kept: list[Box] = []
    for box in boxes:
        if not overlaps_any(box, kept, same):
            kept.append(box)
    return tuple(kept)


class FaceSearch:
    """Remembers where faces were, since the detector doesn't."""

    def __init__(self, camera: str, detector: FaceDetector, share: DetectorShare, metrics: LiveMetrics) -> None:
        self._camera = camera
        self._detector = detector
        self._share = share
        self._metrics = metrics
        self._pace = SearchPace()
        self._last_seen: tuple[Box, ...] = ()
        self._found: tuple[Box, ...] = ()
        self._looked_there = True
        self._overview = ""
        self._times_forgotten = 0
        self._whole_s = float("-inf")
        self.searched_at_us = 0
        """When the newest frame was captured that was searched whole."""

    def due(self, whole: bool = False) -> bool:
        """Tell whether it is time to look for new faces; where whole pictures are wanted, others don't delay it."""
        return self._pace.due(monotonic(), 0 if whole else self._share.others)

    def hints(self, expected: Iterable[Box]) -> tuple[Box, ...]:
        """Return where to look: where faces were, where the last search found some, where they should be."""
        return distinct_boxes((*self._last_seen, *self._found, *expected))[:MOST_HINTS]

    async def around(self, hints: tuple[Box, ...], frame: Frame, request_id: str, deadline: Deadline) -> Detection:
        """Look at these places only.

        Raises:
            ServiceError: The frame can't be used, or the detector fails or takes too long.
        """
        found = self._found
        detection = await self._ask(frame, request_id, deadline, hints)
        seen = tuple(face.box for face in detection.faces)
        if len(seen) < len(self._last_seen):
            self._pace.hasten()
        self._last_seen = seen
        # A search that ended meanwhile found faces that these hints don't have.
        self._looked_there = self._looked_there or self._found is found
        return detection

    async def anew(self, frame: Frame, request_id: str, deadline: Deadline, whole: bool = False) -> Detection:
        """Look for new faces where something has changed, now and then or if told so in the whole picture.

        Raises:
            ServiceError: The frame can't be used, or the detector fails or takes too long.
        """
        began_s, times_forgotten = monotonic(), self._times_forgotten
        refresh = bool(self._overview) and self._whole_due(began_s)
        with self._pace.search(counts=whole or not refresh):
            try:
                detection = await self._ask_anew(frame, request_id, deadline, whole or refresh)
            except ServiceError as error:
                # It may be another version's overview that this detector doesn't understand.
                if error.problem.kind is ProblemKind.DEPENDENCY_UNAVAILABLE:
                    self._overview = ""
                raise
        found = tuple(face.box for face in detection.faces)
        if detection.searched is Searched.FULL:
            self._whole_s = began_s
            self.searched_at_us = frame.captured_at_us
            self._metrics.full_search()
        if not self._looked_there:
            found = distinct_boxes((*found, *self._found))
        self._found, self._looked_there = found, False
        self._overview = (detection.overview or "") if times_forgotten == self._times_forgotten else ""
        return detection

    def forget_overview(self) -> None:
        """Let go of what the camera's picture looked like; the next search is of a whole picture."""
        self._overview = ""
        self._times_forgotten += 1

    def _whole_due(self, now_s: float) -> bool:
        return now_s - self._whole_s >= min(WHOLE_EVERY_S * (1 + self._share.others / 4), MOST_WHOLE_EVERY_S)

    async def _ask_anew(self, frame: Frame, request_id: str, deadline: Deadline, whole: bool) -> Detection:
        if whole or not self._overview:
            return await self._ask(frame, request_id, deadline, overview="")
        return await self._ask(frame, request_id, deadline, self._last_seen, self._overview)

    async def _ask(
        self, frame: Frame, request_id: str, deadline: Deadline, near: tuple[Box, ...] = (), overview: str | None = None
    ) -> Detection:
        with as_camera_error(self._camera):
            return await self._detector.detect(
                frame.message.jpeg, "image/jpeg", request_id, deadline, near=near, overview=overview
            )
