"""A frame on its way through a live session: detected, then analysed and tracked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from time import monotonic

from services.contracts.detection import Detection
from services.contracts.geometry import Box
from services.contracts.live import Drops, EmotionEvent, live_result_json
from services.contracts.prediction import CameraSource, FaceEmotion, Prediction
from services.gateway.analysis.pipeline import Analysis, build_prediction, merge_scores
from services.gateway.live.search import distinct_boxes
from services.gateway.protocols import EmotionScores, Frame
from services.gateway.tracking.tracker import TrackerState, predict_boxes, stable_faces, update
from services.runtime.request_context import new_request_id

BLUR_IOU = 0.8
"""If two boxes overlap this much, blurring one of them hides what is under both."""


@dataclass(frozen=True, eq=False)
class DetectedFrame:
    """A frame after the detector.

    Attributes:
        frame: The frame.
        request_id: The id of the detector's request.
        detection: The detector's answer.
        rois: The searched regions; empty if the whole frame or its changes were searched.
        full_search_at_us: Capture time of the newest frame that was searched in full and whose faces are known here.
        started_s: Start of the detection, by the monotonic clock.
        done_s: End of the detection.
    """

    frame: Frame
    request_id: str
    detection: Detection
    rois: tuple[Box, ...]
    full_search_at_us: int
    started_s: float
    done_s: float


@dataclass(frozen=True)
class AnalyzedFrame:
    """A frame with its result.

    Attributes:
        frame: The frame; without its JPEG, except for rendering.
        analysis: Faces with ids and smoothed probabilities.
        prediction: The answer as of when the analysis ended.
        events: Emotions that started and ended in this frame.
        drops: Drops since the session started.
        labels: The faces with stable emotions, for labels that do not flicker.
        hidden: All boxes where a face is, is predicted or was searched, for blurring.
        full_search_at_us: Capture time of the newest frame that was searched in full and whose faces are known here.
    """

    frame: Frame
    analysis: Analysis
    prediction: Prediction
    events: tuple[EmotionEvent, ...]
    drops: Drops
    labels: tuple[FaceEmotion, ...]
    hidden: tuple[Box, ...]
    full_search_at_us: int

    @property
    def frame_id(self) -> str:
        """The frame's id."""
        return self.frame.frame_id

    @property
    def at_s(self) -> float:
        """The frame's capture time, by the store's clock."""
        return self.frame.captured_at_us / 1e6

    def without_jpeg(self) -> "AnalyzedFrame":
        """Return the result without the JPEG, for buffers."""
        return replace(self, frame=self.frame.without_picture())

    def source(self) -> CameraSource:
        """Return the source of an answer, with the frame's age as of now."""
        assert isinstance(self.prediction.source, CameraSource)
        return replace(self.prediction.source, age_ms=self.frame.age_ms())

    def to_json(self, events: Sequence[EmotionEvent], dropped: Drops) -> str:
        """Return a feed's JSON object. The prediction is encoded once for all subscribers."""
        if dropped == Drops() and tuple(events) == self.events:
            return self._cached_json
        return self._join(events, dropped)

    @cached_property
    def _cached_json(self) -> str:
        return self._join(self.events, Drops())

    @cached_property
    def _prediction_json(self) -> bytes:
        return self.prediction.to_json()

    def _join(self, events: Sequence[EmotionEvent], dropped: Drops) -> str:
        return live_result_json(self._prediction_json, events, dropped).decode()


class FaceTracker:
    """Tracks one camera's faces and builds the results of its frames."""

    def __init__(self, camera_id: str) -> None:
        self._camera_id = camera_id
        self._state = TrackerState(f"{new_request_id()[:8]}-")

    def predict_boxes(self, frame: Frame) -> tuple[Box, ...]:
        """Return the predicted boxes of known faces in a frame."""
        return tuple(box for _, box in predict_boxes(self._state, frame.captured_at_us / 1e6))

    def update(
        self, detected: DetectedFrame, scores: EmotionScores | None, infer_ms: float, drops: Drops
    ) -> AnalyzedFrame:
        """Track the faces of the next frame and return its result. Its total time starts when the frame was read."""
        frame, faces = detected.frame, detected.detection.faces
        tracked = update(self._state, merge_scores(faces, scores) if scores else (), frame.captured_at_us / 1e6)
        self._state = tracked.state
        analysis = Analysis(
            image=detected.detection.image,
            faces=tracked.faces,
            model_version=scores.version if scores else None,
            detect_ms=(detected.done_s - detected.started_s) * 1e3,
            infer_ms=infer_ms,
        )
        source = CameraSource(self._camera_id, frame.frame_id, frame.captured_at(), frame.age_ms())
        frame_ms = (detected.started_s - frame.read_at_s) * 1e3
        total_ms = (monotonic() - frame.read_at_s) * 1e3
        hidden = (*(face.box for face in faces), *self.predict_boxes(frame), *detected.rois)
        return AnalyzedFrame(
            frame=frame,
            analysis=analysis,
            prediction=build_prediction(detected.request_id, source, analysis, frame_ms, total_ms),
            events=tracked.events,
            drops=drops,
            labels=stable_faces(tracked),
            hidden=distinct_boxes(hidden, BLUR_IOU),
            full_search_at_us=detected.full_search_at_us,
        )
