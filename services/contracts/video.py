"""Messages of ``WS /ws/predict?track=true``, whose images are the frames of one video."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

from services.contracts.live import EmotionEvent
from services.contracts.messages import MalformedMessageError, decode_json, encode_json, to_dict
from services.contracts.prediction import Prediction

MAX_TIME_MESSAGE_CHARS = 100
"""Longest text message that gives the time of a frame."""

MAX_AT_S = 1e11
"""Latest time of a frame; Unix times fit."""

_MAX_EVENTS = 1000


@dataclass(frozen=True)
class FrameTime:
    """The text message that gives the time of the next image.

    Attributes:
        at_s: Seconds by the clock of the video, from 0.
    """

    at_s: Annotated[float, Meta(ge=0, le=MAX_AT_S)]

    def to_json(self) -> bytes:
        """Return the message as JSON."""
        return encode_json(self)

    @classmethod
    def from_json(cls, text: str) -> "FrameTime":
        """Read the message; unknown fields are ignored.

        Raises:
            MalformedMessageError: It is too long, not JSON, or ``at_s`` is missing or out of range.
        """
        if len(text) > MAX_TIME_MESSAGE_CHARS:
            raise MalformedMessageError(f"frame time: longer than {MAX_TIME_MESSAGE_CHARS} characters")
        return decode_json("frame time", text, cls)


@dataclass(frozen=True)
class TrackedPrediction:
    """The answer to one frame: the object of ``POST /predict`` with the fields ``at_s`` and ``events``.

    Attributes:
        prediction: Each face has ``face_id`` and ``smoothed``.
        at_s: The frame's time in seconds, as given by the client, else by arrival.
        events: Emotions that started and ended; their times are those of frames.
    """

    prediction: Prediction
    at_s: float
    events: Sequence[EmotionEvent]

    def to_dict(self) -> dict[str, Any]:
        """Return the answer's JSON object."""
        return {
            **self.prediction.to_dict(),
            "at_s": self.at_s,
            "events": [to_dict(event) for event in self.events],
        }

    @classmethod
    def from_json(cls, body: bytes | str) -> "TrackedPrediction":
        """Read the answer; unknown fields are ignored.

        Raises:
            MalformedMessageError: It isn't JSON, or a field is missing or has an invalid value.
        """
        fields = decode_json("tracked prediction", body, _TrackedFields)
        return cls(Prediction.from_json(body), fields.at_s, fields.events)


@dataclass(frozen=True)
class _TrackedFields:
    at_s: float
    events: Annotated[tuple[EmotionEvent, ...], Meta(max_length=_MAX_EVENTS)]
