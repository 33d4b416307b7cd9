"""Messages of ``WS /ws/predict?track=true``, whose images are the frames of one video."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.contracts.live import EmotionEvent
from services.contracts.messages import MalformedMessageError, explained, finite, several
from services.contracts.prediction import Prediction, decode_prediction

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

    at_s: float

    def encode(self) -> dict[str, Any]:
        """Return the message's JSON object."""
        return {"at_s": self.at_s}

    @classmethod
    def decode(cls, text: str) -> "FrameTime":
        """Read the message; unknown fields are ignored.

        Raises:
            MalformedMessageError: It is too long, not JSON, or ``at_s`` is missing or out of range.
        """
        if len(text) > MAX_TIME_MESSAGE_CHARS:
            raise MalformedMessageError(f"frame time: longer than {MAX_TIME_MESSAGE_CHARS} characters")
        try:
            at_s = finite(json.loads(text)["at_s"])
        except json.JSONDecodeError:
            raise MalformedMessageError("frame time: not JSON") from None
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise explained("frame time", error) from None
        if not 0 <= at_s <= MAX_AT_S:
            raise MalformedMessageError(f"frame time: at_s is not from 0 to {MAX_AT_S:.0e}")
        return cls(at_s)


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

    def encode(self) -> dict[str, Any]:
        """Return the answer's JSON object."""
        return {
            **self.prediction.encode(),
            "at_s": self.at_s,
            "events": [event.encode() for event in self.events],
        }


def decode_tracked_prediction(answer: Mapping[str, Any]) -> TrackedPrediction:
    """Read the answer's JSON object; unknown fields are ignored.

    Raises:
        MalformedMessageError: A field is missing or can't be read.
    """
    try:
        at_s, events = finite(answer["at_s"]), several(EmotionEvent.decode, answer["events"], _MAX_EVENTS)
    except (KeyError, TypeError, ValueError) as error:
        raise explained("tracked prediction", error) from None
    return TrackedPrediction(decode_prediction(answer), at_s, events)
