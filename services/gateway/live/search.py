"""Face search for live sessions: known faces in each frame, new faces at intervals."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import monotonic

from services.contracts.detection import MAX_ROIS, Detection, SearchScope
from services.contracts.geometry import NMS_IOU, Box, non_max_suppression
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.analysis.cameras import as_camera_error
from services.gateway.metrics import LiveMetrics
from services.gateway.protocols import Deadline, FaceDetector, Frame
from services.runtime.clock import Clock

NEW_FACE_S = 0.3
"""Time within which a new face is in the results, if the machine is fast enough."""

NEXT_RESULT_S = 0.07
"""Time from the end of a search to the result of the next frame, whose regions contain the new face."""

MAX_DUTY_CYCLE = 2 / 3
"""Share of one core for the searches of a camera; the rest is for the frames' results."""

SHARED_DUTY_CYCLE = 0.8
"""Share of one core for the searches of all other cameras. With more cameras, each is searched less often."""

FULL_SEARCH_INTERVAL_S = 2.0
"""Interval of full searches; in between, only changed areas are searched. A face that change detection missed, and that
does not move, is found within this time. Each further camera adds a quarter of it."""

MAX_FULL_SEARCH_INTERVAL_S = 5.0
"""Upper bound of the interval of full searches."""

_INITIAL_DURATION_S = 0.05
_NEWEST_WEIGHT = 0.3


class SearchScheduler:
    """Spreads the searches of one camera over time. All times are seconds of one monotonic clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._duration_s = _INITIAL_DURATION_S
        self._started_s = float("-inf")
        self._expedited = False
        self._running = False

    def is_due(self, contention: float = 0) -> bool:
        """Return whether it is time for the next search; ``contention`` is the quota's."""
        if self._running:
            return False
        pause_s = self._duration_s * (1 / MAX_DUTY_CYCLE + contention / SHARED_DUTY_CYCLE)
        if not self._expedited:
            pause_s = max(pause_s, NEW_FACE_S - NEXT_RESULT_S - self._duration_s)
        return self._clock() - self._started_s >= pause_s

    def expedite(self) -> None:
        """Make the next search due as early as the duty cycle allows: a face was lost."""
        self._expedited = True

    @contextmanager
    def search(self, typical: bool = True) -> Iterator[None]:
        """Measure a search, which is the block. Failed and untypical searches do not change the expected duration."""
        self._running, self._expedited, self._started_s = True, False, self._clock()
        try:
            yield
            if typical:
                self._duration_s += _NEWEST_WEIGHT * (self._clock() - self._started_s - self._duration_s)
        finally:
            self._running = False


class DetectorQuota:
    """Bounds the concurrent detections of all cameras; waiting ones take turns."""

    def __init__(self, roi_detections: int, full_detections: int) -> None:
        """Set the concurrent detections in regions and of new faces."""
        self.roi = asyncio.Semaphore(roi_detections)
        self.full = asyncio.Semaphore(full_detections)
        self._full_detections = full_detections
        self._cameras = 0

    @property
    def contention(self) -> float:
        """The number of other cameras for each concurrent detection of new faces."""
        return max(0, self._cameras - 1) / self._full_detections

    @contextmanager
    def register(self) -> Iterator[None]:
        """Count a camera while the block runs."""
        self._cameras += 1
        try:
            yield
        finally:
            self._cameras -= 1


def distinct_boxes(boxes: Iterable[Box], threshold: float = NMS_IOU) -> tuple[Box, ...]:
    """Return the boxes without those that overlap an earlier one."""
    return tuple(non_max_suppression(boxes, lambda box: box, threshold))


class FaceSearch:
    """Finds one camera's faces. It keeps the boxes of known faces, since the detector is stateless."""

    def __init__(
        self,
        camera_id: str,
        detector: FaceDetector,
        quota: DetectorQuota,
        metrics: LiveMetrics,
        clock: Clock = monotonic,
    ) -> None:
        self._camera_id = camera_id
        self._detector = detector
        self._quota = quota
        self._metrics = metrics
        self._clock = clock
        self._scheduler = SearchScheduler(clock)
        self._known: tuple[Box, ...] = ()
        self._found: tuple[Box, ...] = ()
        self._found_were_searched = True
        self._reference = ""
        self._resets = 0
        self._full_search_s = float("-inf")
        self.full_search_at_us = 0
        """Capture time of the newest frame that was searched in full."""

    def is_due(self, full_only: bool = False) -> bool:
        """Return whether new faces should be searched now. Other cameras do not delay required full searches."""
        return self._scheduler.is_due(0 if full_only else self._quota.contention)

    def rois(self, predicted: Iterable[Box]) -> tuple[Box, ...]:
        """Return the regions of the next frame: known faces, faces of the last search, and predicted boxes."""
        return distinct_boxes((*self._known, *self._found, *predicted))[:MAX_ROIS]

    async def detect_known(self, rois: tuple[Box, ...], frame: Frame, request_id: str, deadline: Deadline) -> Detection:
        """Search these regions of a frame.

        Raises:
            ServiceError: The frame can't be used, or the detector fails or is too slow.
        """
        found = self._found
        detection = await self._detect(frame, request_id, deadline, rois)
        known = tuple(face.box for face in detection.faces)
        if len(known) < len(self._known):
            self._scheduler.expedite()
        self._known = known
        # A search that ended in the meantime found faces that these regions do not contain.
        self._found_were_searched = self._found_were_searched or self._found is found
        return detection

    async def detect_new(self, frame: Frame, request_id: str, deadline: Deadline, full_only: bool = False) -> Detection:
        """Search a frame for new faces: the areas that changed; all of it at intervals, or with ``full_only``.

        Raises:
            ServiceError: The frame can't be used, or the detector fails or is too slow.
        """
        started_s, resets = self._clock(), self._resets
        refresh = bool(self._reference) and self._is_full_search_due(started_s)
        with self._scheduler.search(typical=full_only or not refresh):
            try:
                detection = await self._detect_full_or_changed(frame, request_id, deadline, full_only or refresh)
            except ServiceError as error:
                # The detector may be of another version, which cannot read the reference.
                if error.problem.kind is ProblemKind.DEPENDENCY_UNAVAILABLE:
                    self._reference = ""
                raise
        found = tuple(face.box for face in detection.faces)
        if detection.scope is SearchScope.FULL:
            self._full_search_s = started_s
            self.full_search_at_us = frame.captured_at_us
            self._metrics.full_search()
        if not self._found_were_searched:
            found = distinct_boxes((*found, *self._found))
        self._found, self._found_were_searched = found, False
        self._reference = (detection.reference or "") if resets == self._resets else ""
        return detection

    def reset_reference(self) -> None:
        """Discard the reference of change detection; the next search for new faces is a full one."""
        self._reference = ""
        self._resets += 1

    def _is_full_search_due(self, now_s: float) -> bool:
        interval_s = FULL_SEARCH_INTERVAL_S * (1 + self._quota.contention / 4)
        return now_s - self._full_search_s >= min(interval_s, MAX_FULL_SEARCH_INTERVAL_S)

    async def _detect_full_or_changed(self, frame: Frame, request_id: str, deadline: Deadline, full: bool) -> Detection:
        if full or not self._reference:
            return await self._detect(frame, request_id, deadline, reference="")
        return await self._detect(frame, request_id, deadline, self._known, self._reference)

    async def _detect(
        self,
        frame: Frame,
        request_id: str,
        deadline: Deadline,
        rois: tuple[Box, ...] = (),
        reference: str | None = None,
    ) -> Detection:
        with as_camera_error(self._camera_id):
            return await self._detector.detect(
                frame.message.jpeg, "image/jpeg", request_id, deadline, rois=rois, reference=reference
            )
