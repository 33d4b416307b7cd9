"""What a session found in one frame, as its viewers get it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from time import monotonic

from services.contracts.geometry import Box
from services.contracts.live import Drops, EmotionEvent, live_fields
from services.contracts.prediction import CameraSource, FaceEmotion, Prediction
from services.gateway.answer import prediction
from services.gateway.frames import Frame
from services.gateway.pipeline import Analysis


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
        prediction=prediction(request_id, source, analysis, waited_ms, total_ms),
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
