"""Finds one camera's faces: in each frame where they should be, and everywhere now and then."""

from collections.abc import Iterable
from time import monotonic

from services.contracts.detection import Detection
from services.contracts.geometry import Box
from services.gateway.camera_analysis import a_cameras_frame
from services.gateway.deadline import Deadline
from services.gateway.faces import FaceDetector
from services.gateway.frames import Frame
from services.gateway.live.hints import MOST_HINTS, distinct_boxes
from services.gateway.live.pace import SearchPace
from services.gateway.metrics import LiveMetrics


class FaceSearch:
    """Remembers where faces were, since the detector doesn't."""

    def __init__(self, camera: str, detector: FaceDetector, metrics: LiveMetrics) -> None:
        self._camera = camera
        self._detector = detector
        self._metrics = metrics
        self._pace = SearchPace()
        self._last_seen: tuple[Box, ...] = ()
        self._found: tuple[Box, ...] = ()
        self.searched_at_us = 0
        """When the newest frame was captured that was searched everywhere."""

    def due(self) -> bool:
        """Tell whether it is time to search everywhere."""
        return self._pace.due(monotonic())

    def hints(self, expected: Iterable[Box]) -> tuple[Box, ...]:
        """Return where to look: where faces were, where the last full search found some, where they should be."""
        return distinct_boxes((*self._last_seen, *self._found, *expected))[:MOST_HINTS]

    async def around(self, hints: tuple[Box, ...], frame: Frame, request_id: str, by: Deadline) -> Detection:
        """Look at these places only.

        Raises:
            ProblemError: The frame can't be used, or the detector fails or takes too long.
        """
        detection = await self._ask(frame, request_id, by, hints)
        seen = tuple(face.box for face in detection.faces)
        if len(seen) < len(self._last_seen):
            self._pace.hasten()
        self._last_seen = seen
        return detection

    async def everywhere(self, frame: Frame, request_id: str, by: Deadline) -> Detection:
        """Look at the whole picture.

        Raises:
            ProblemError: The frame can't be used, or the detector fails or takes too long.
        """
        with self._pace.search():
            self._metrics.full_search()
            detection = await self._ask(frame, request_id, by, ())
        self._found = tuple(face.box for face in detection.faces)
        self.searched_at_us = frame.captured_at_us
        return detection

    async def _ask(self, frame: Frame, request_id: str, by: Deadline, near: tuple[Box, ...]) -> Detection:
        with a_cameras_frame(self._camera):
            return await self._detector.detect(frame.message.jpeg, "image/jpeg", request_id, by, near=near)
