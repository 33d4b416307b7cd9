"""From a frame's faces and their scores to its result."""

from dataclasses import dataclass

from services.contracts.detection import Detection
from services.contracts.geometry import Box
from services.contracts.live import Drops
from services.gateway.emotions import EmotionScores
from services.gateway.frames import Frame
from services.gateway.live.answer import Seen, live_answer
from services.gateway.live.hints import SAME_PLACE_OVERLAP, distinct_boxes
from services.gateway.pipeline import Analysis, describe
from services.gateway.tracking.tracks import Tracks, advance, expected_boxes, steady_faces
from services.runtime.request_context import new_request_id


@dataclass(frozen=True, eq=False)
class Detected:
    """A frame on its way from the detector to the model.

    Attributes:
        frame: The frame.
        request_id: Under which the detector was asked.
        detection: What it found.
        hints: Where it looked; empty where it looked for new faces.
        searched_at_us: The capture of the newest frame that was searched whole and whose faces are known here.
        asked: When, by the monotonic clock.
        answered: Likewise.
    """

    frame: Frame
    request_id: str
    detection: Detection
    hints: tuple[Box, ...]
    searched_at_us: int
    asked: float
    answered: float


class TrackedFaces:
    """One camera's faces over time."""

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self._tracks = Tracks.none(f"{new_request_id()[:8]}-")

    def expected(self, frame: Frame) -> tuple[Box, ...]:
        """Return where the faces should be in a frame."""
        return tuple(box for _, box in expected_boxes(self._tracks, frame.captured_at_us / 1e6))

    def follow(self, detected: Detected, scores: EmotionScores | None, infer_ms: float, drops: Drops) -> Seen:
        """Follow the faces into the next frame and return its result."""
        frame, found = detected.frame, detected.detection.faces
        step = advance(self._tracks, describe(found, scores) if scores else (), frame.captured_at_us / 1e6)
        self._tracks = step.tracks
        analysis = Analysis(
            image=detected.detection.image,
            faces=step.faces,
            model_version=scores.version if scores else None,
            detect_ms=(detected.answered - detected.asked) * 1e3,
            infer_ms=infer_ms,
        )
        waited_ms = (detected.asked - frame.read_at_s) * 1e3
        answer = live_answer(self._camera, frame, detected.request_id, analysis, waited_ms, step.events, drops)
        hidden = (*(face.box for face in found), *self.expected(frame), *detected.hints)
        return Seen(
            frame, answer, steady_faces(step), distinct_boxes(hidden, SAME_PLACE_OVERLAP), detected.searched_at_us
        )
