"""What a session found in one frame, as its viewers get it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from time import monotonic

from services.contracts.detection import Detection
from services.contracts.geometry import Box
from services.contracts.live import Drops, EmotionEvent, live_fields
from services.contracts.prediction import CameraSource, FaceEmotion, Prediction
from services.gateway.analysis.pipeline import Analysis, build_prediction, merge_scores
from services.gateway.live.search import SAME_PLACE_OVERLAP, distinct_boxes
from services.gateway.protocols import EmotionScores, Frame
from services.gateway.tracking.tracker import TrackerState, predict_boxes, stable_faces, update
from services.runtime.request_context import new_request_id


@dataclass(frozen=True)
class LiveAnswer:
    """One frame's result, without its picture.

    Attributes:
        frame: Without its JPEG.
        analysis: With face ids and smoothed probabilities.
        prediction: The answer as of when it was finished.
        events: What began and ended in this frame.
        drops: Counted since the session began.
    """

    frame: Frame
    analysis: Analysis
    prediction: Prediction
    events: tuple[EmotionEvent, ...]
    drops: Drops

    @property
    def frame_id(self) -> str:
        """The frame's id."""
        return self.frame.frame_id

    @property
    def at_s(self) -> float:
        """When the frame was captured, by the store's clock."""
        return self.frame.captured_at_us / 1e6

    def source(self) -> CameraSource:
        """Return where the answer is from, with the frame's age as of now."""
        assert isinstance(self.prediction.source, CameraSource)
        return replace(self.prediction.source, age_ms=self.frame.age_ms())

    def text(self, events: Sequence[EmotionEvent], dropped: Drops) -> str:
        """Return the feed's JSON object; what all viewers share is encoded once."""
        if dropped == Drops() and tuple(events) == self.events:
            return self._undisturbed
        return self._with(events, dropped)

    @cached_property
    def _undisturbed(self) -> str:
        return self._with(self.events, Drops())

    @cached_property
    def _shared(self) -> str:
        return json.dumps(self.prediction.encode(), allow_nan=False)

    def _with(self, events: Sequence[EmotionEvent], dropped: Drops) -> str:
        return f"{self._shared[:-1]}, {json.dumps(live_fields(events, dropped))[1:]}"


def live_answer(
    camera: str,
    frame: Frame,
    request_id: str,
    analysis: Analysis,
    waited_ms: float,
    events: tuple[EmotionEvent, ...],
    drops: Drops,
) -> LiveAnswer:
    """Return a frame's result as of now; its time counts from when the frame was read."""
    source = CameraSource(camera, frame.frame_id, frame.captured_at(), frame.age_ms())
    total_ms = (monotonic() - frame.read_at_s) * 1e3
    return LiveAnswer(
        frame=replace(frame, message=replace(frame.message, jpeg=b"")),
        analysis=analysis,
        prediction=build_prediction(request_id, source, analysis, waited_ms, total_ms),
        events=events,
        drops=drops,
    )


@dataclass(frozen=True)
class Seen:
    """One frame's result with what drawing its picture needs.

    Attributes:
        frame: With its JPEG.
        answer: What was found.
        labels: The faces with emotions that don't flicker.
        hidden: Everywhere a face is, should be or was looked for.
        searched_at_us: The capture of the newest frame that was searched whole and whose faces are known here.
    """

    frame: Frame
    answer: LiveAnswer
    labels: tuple[FaceEmotion, ...]
    hidden: tuple[Box, ...]
    searched_at_us: int


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
        self._state = TrackerState(f"{new_request_id()[:8]}-")

    def expected(self, frame: Frame) -> tuple[Box, ...]:
        """Return where the faces should be in a frame."""
        return tuple(box for _, box in predict_boxes(self._state, frame.captured_at_us / 1e6))

    def follow(self, detected: Detected, scores: EmotionScores | None, infer_ms: float, drops: Drops) -> Seen:
        """Follow the faces into the next frame and return its result."""
        frame, found = detected.frame, detected.detection.faces
        tracked = update(self._state, merge_scores(found, scores) if scores else (), frame.captured_at_us / 1e6)
        self._state = tracked.state
        analysis = Analysis(
            image=detected.detection.image,
            faces=tracked.faces,
            model_version=scores.version if scores else None,
            detect_ms=(detected.answered - detected.asked) * 1e3,
            infer_ms=infer_ms,
        )
        waited_ms = (detected.asked - frame.read_at_s) * 1e3
        answer = live_answer(self._camera, frame, detected.request_id, analysis, waited_ms, tracked.events, drops)
        hidden = (*(face.box for face in found), *self.expected(frame), *detected.hints)
        return Seen(
            frame, answer, stable_faces(tracked), distinct_boxes(hidden, SAME_PLACE_OVERLAP), detected.searched_at_us
        )
