"""What live sessions tell besides predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal, get_args

from services.contracts.emotions import Emotion
from services.contracts.messages import MalformedMessageError, explained, finite, member, optional, text

EmotionEventKind = Literal["emotion_started", "emotion_ended"]


@dataclass(frozen=True)
class EmotionEvent:
    """A face began or ceased to show an emotion; the answer's ``events`` list holds those of its frame.

    Attributes:
        kind: What happened.
        face_id: Whose face; the id of ``FaceEmotion``.
        emotion: What began or ended.
        at_s: When, in seconds of the clock that frames' capture times are in.
        duration_s: How long it lasted, in seconds; null where it begins.
    """

    kind: EmotionEventKind
    face_id: str
    emotion: Emotion
    at_s: float
    duration_s: float | None

    def encode(self) -> dict[str, Any]:
        """Return the event's JSON object."""
        return {
            "kind": self.kind,
            "face_id": self.face_id,
            "emotion": self.emotion.value,
            "at_s": self.at_s,
            "duration_s": self.duration_s,
        }

    @classmethod
    def decode(cls, event: Mapping[str, Any]) -> "EmotionEvent":
        """Read the event's JSON object; fields it doesn't know are ignored.

        Raises:
            MalformedMessageError: A field is missing or can't be read.
        """
        try:
            kind = event["kind"]
            if kind not in get_args(EmotionEventKind):
                raise MalformedMessageError("kind is another")
            return cls(
                kind=kind,
                face_id=text(event["face_id"]),
                emotion=member(Emotion, event["emotion"]),
                at_s=finite(event["at_s"]),
                duration_s=optional(finite, event["duration_s"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise explained("emotion event", error) from None


@dataclass(frozen=True)
class Drops:
    """Frames and results that were left out because newer ones came, by where that happened.

    Attributes:
        detect: Frames that waited for the detector.
        infer: Frames that waited for the model.
        viewer: Results that waited for this viewer, who reads too slowly.
    """

    detect: int = 0
    infer: int = 0
    viewer: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.detect + self.infer + self.viewer


class LiveState(StrEnum):
    """How a camera's feed is."""

    OK = "ok"
    PROBLEM = "problem"
    CLOSING = "closing"


@dataclass(frozen=True)
class LiveStatus:
    """Told when a feed's state changes, and first of all where it begins with a problem.

    Attributes:
        camera: The camera's id.
        state: ``closing`` is the last that is heard: the service stops.
        problem: What is wrong, as ``/predict`` would say it; null unless the state is ``problem``.
    """

    camera: str
    state: LiveState
    problem: Mapping[str, Any] | None = None

    def encode(self) -> dict[str, Any]:
        """Return the status's JSON object."""
        return {"event": STATUS, "camera": self.camera, "state": self.state.value, "problem": self.problem}


RESULT = "result"
"""A feed's object for one analysed frame: ``/predict``'s, with ``event``, ``events`` and ``dropped`` besides."""

STATUS = "status"
"""A feed's object for a change of its state."""


def live_fields(events: Sequence[EmotionEvent], dropped: Drops) -> dict[str, Any]:
    """Return what a feed's result has beyond ``/predict``'s answer.

    Args:
        events: Of this frame, and of those left out since the object before.
        dropped: Since the object before.
    """
    return {"event": RESULT, "events": [event.encode() for event in events], "dropped": asdict(dropped)}
