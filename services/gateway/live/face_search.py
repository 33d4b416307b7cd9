"""Finds one camera's faces: in each frame where they should be, and new ones now and then where something changed."""

from collections.abc import Iterable
from time import monotonic

from services.contracts.detection import Detection, Searched
from services.contracts.geometry import Box
from services.contracts.problems import ProblemKind
from services.gateway.camera_analysis import a_cameras_frame
from services.gateway.deadline import Deadline
from services.gateway.faces import FaceDetector
from services.gateway.frames import Frame
from services.gateway.live.hints import MOST_HINTS, distinct_boxes
from services.gateway.live.pace import MOST_WHOLE_EVERY_S, WHOLE_EVERY_S, DetectorShare, SearchPace
from services.gateway.metrics import LiveMetrics
from services.runtime.problems import ProblemError


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

    async def around(self, hints: tuple[Box, ...], frame: Frame, request_id: str, by: Deadline) -> Detection:
        """Look at these places only.

        Raises:
            ProblemError: The frame can't be used, or the detector fails or takes too long.
        """
        found = self._found
        detection = await self._ask(frame, request_id, by, hints)
        seen = tuple(face.box for face in detection.faces)
        if len(seen) < len(self._last_seen):
            self._pace.hasten()
        self._last_seen = seen
        # A search that ended meanwhile found faces that these hints don't have.
        self._looked_there = self._looked_there or self._found is found
        return detection

    async def anew(self, frame: Frame, request_id: str, by: Deadline, whole: bool = False) -> Detection:
        """Look for new faces where something has changed, now and then or if told so in the whole picture.

        Raises:
            ProblemError: The frame can't be used, or the detector fails or takes too long.
        """
        began_s, times_forgotten = monotonic(), self._times_forgotten
        refresh = bool(self._overview) and self._whole_due(began_s)
        with self._pace.search(counts=whole or not refresh):
            try:
                detection = await self._ask_anew(frame, request_id, by, whole or refresh)
            except ProblemError as error:
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

    async def _ask_anew(self, frame: Frame, request_id: str, by: Deadline, whole: bool) -> Detection:
        if whole or not self._overview:
            return await self._ask(frame, request_id, by, overview="")
        return await self._ask(frame, request_id, by, self._last_seen, self._overview)

    async def _ask(
        self, frame: Frame, request_id: str, by: Deadline, near: tuple[Box, ...] = (), overview: str | None = None
    ) -> Detection:
        with a_cameras_frame(self._camera):
            return await self._detector.detect(
                frame.message.jpeg, "image/jpeg", request_id, by, near=near, overview=overview
            )
