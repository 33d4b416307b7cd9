"""What live feeds send in addition to predictions: events, drop counts and changes of state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

from msgspec import Meta

from services.contracts.emotions import Emotion
from services.contracts.messages import Count, Identifier, decode_json, encode_json

RESULT = "result"
"""A feed's object for one analysed frame: the object of ``/predict`` with ``event``, ``events`` and ``dropped``."""

STATUS = "status"
"""A feed's object for a change of its state."""

MAX_EVENTS = 10_000
"""Most events of one result; it also carries those of results that were dropped before it."""

EmotionEventKind = Literal["emotion_started", "emotion_ended"]


@dataclass(frozen=True)
class EmotionEvent:
    """A face began or ceased to show an emotion; the answer's ``events`` list holds those of its frame.

    Attributes:
        kind: What happened.
        face_id: The face's id, as in ``FaceEmotion``.
        emotion: The emotion that started or ended.
        at_s: When, in seconds of the clock of the frames' capture times.
        duration_s: How long it lasted, in seconds; null if it starts.
    """

    kind: EmotionEventKind
    face_id: Identifier
    emotion: Emotion
    at_s: float
    duration_s: float | None


@dataclass(frozen=True)
class Drops:
    """Counts of frames and results that were dropped because newer ones came, by stage.

    Attributes:
        detect: Frames that waited for the detector.
        infer: Frames that waited for the model.
        viewer: Results that waited for this client, which reads too slowly.
    """

    detect: Count = 0
    infer: Count = 0
    viewer: Count = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.detect + self.infer + self.viewer


class LiveState(StrEnum):
    """The state of a camera's feed."""

    OK = "ok"
    PROBLEM = "problem"
    CLOSING = "closing"


@dataclass(frozen=True)
class LiveStatus:
    """Sent when a feed's state changes, and at the start of a feed that begins with a problem.

    Attributes:
        camera: The camera's id.
        state: ``closing`` is the last message of a feed: the service stops.
        problem: The problem as in an error answer of ``/predict``; null unless the state is ``problem``.
    """

    event: Literal["status"] = field(default="status", kw_only=True)
    camera: str
    state: LiveState
    problem: Mapping[str, Any] | None = None

    def to_json(self) -> bytes:
        """Return the status as JSON."""
        return encode_json(self)


@dataclass(frozen=True)
class LiveFields:
    """What a feed's result has in addition to the prediction.

    Attributes:
        events: Of this frame, and of those dropped since the result before.
        dropped: Since the result before.
    """

    event: Literal["result"] = field(default="result", kw_only=True)
    events: Annotated[tuple[EmotionEvent, ...], Meta(max_length=MAX_EVENTS)]
    dropped: Drops

    @classmethod
    def from_json(cls, body: bytes | str) -> "LiveFields":
        """Read these fields of a feed's result; other fields are ignored.

        Raises:
            MalformedMessageError: It isn't JSON, or a field is missing or has an invalid value.
        """
        return decode_json("live result", body, cls)


def live_result_json(prediction: bytes, events: Sequence[EmotionEvent], dropped: Drops) -> bytes:
    """Return a feed's result as JSON.

    Args:
        prediction: The prediction as JSON, which is the same for all clients of a feed.
        events: Of this frame, and of those dropped since the client's result before.
        dropped: Since the client's result before.
    """
    fields = encode_json(LiveFields(tuple(events), dropped))
    return prediction[:-1] + b"," + fields[1:]
