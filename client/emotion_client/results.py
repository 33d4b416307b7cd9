"""Results that the gateway's contracts don't name, as the client gives them."""

from dataclasses import dataclass
from typing import Any

from services.contracts.live import Drops, EmotionEvent, live_fields
from services.contracts.prediction import Prediction


@dataclass(frozen=True)
class CameraFrame:
    """A camera's newest frame.

    Attributes:
        jpeg: The picture as the camera sent it.
        frame_id: Its id.
        age_ms: From the capture to the answer.
    """

    jpeg: bytes
    frame_id: str
    age_ms: float


@dataclass(frozen=True)
class ServiceState:
    """The state of one service that the gateway depends on.

    Attributes:
        ok: Whether it does its part now.
        required: Whether the gateway can answer nothing without it.
        detail: What is wrong, or what was found.
    """

    ok: bool
    required: bool
    detail: str


@dataclass(frozen=True)
class Readiness:
    """Whether the gateway can do its work.

    Attributes:
        status: ``ready``, ``degraded`` (something optional fails), ``unready`` or ``stopping``.
        dependencies: Each service by its name.
    """

    status: str
    dependencies: dict[str, ServiceState]


@dataclass(frozen=True)
class LiveResult:
    """What a camera's feed tells of one frame.

    Attributes:
        prediction: As ``predict`` gives it, with each face's ``face_id`` and ``smoothed`` probabilities.
        events: Emotions that began or ended.
        dropped: What was left out before this frame.
    """

    prediction: Prediction
    events: tuple[EmotionEvent, ...]
    dropped: Drops

    def encode(self) -> dict[str, Any]:
        """Return the feed's JSON object."""
        return {**self.prediction.encode(), **live_fields(self.events, self.dropped)}


@dataclass(frozen=True)
class FeedStatus:
    """A change of a feed's state.

    Attributes:
        state: ``ok``, ``problem`` or ``closing`` as the gateway says; ``lost`` where the connection was lost and is
            made anew.
        detail: What is wrong, or an empty string.
    """

    state: str
    detail: str = ""
