"""Results that only the client has; the others are the dataclasses of the gateway's contracts."""

from dataclasses import dataclass

from services.contracts.live import Drops, EmotionEvent, live_result_json
from services.contracts.prediction import Prediction


@dataclass(frozen=True)
class CameraFrame:
    """A camera's newest frame.

    Attributes:
        jpeg: The image as the camera sent it.
        frame_id: The frame's id.
        age_ms: Milliseconds from the capture to the response.
    """

    jpeg: bytes
    frame_id: str
    age_ms: float


@dataclass(frozen=True)
class ServiceState:
    """The state of one service that the gateway depends on.

    Attributes:
        ok: Whether the service works now.
        required: Whether the gateway can't answer any request without it.
        detail: The fault, or what the check found.
    """

    ok: bool
    required: bool
    detail: str


@dataclass(frozen=True)
class Readiness:
    """Whether the gateway can answer requests.

    Attributes:
        status: ``ready``, ``degraded`` (an optional service fails), ``unready`` or ``stopping``.
        dependencies: State of each service by name.
    """

    status: str
    dependencies: dict[str, ServiceState]


@dataclass(frozen=True)
class LiveResult:
    """A feed's result for one frame.

    Attributes:
        prediction: As from ``predict``, with ``face_id`` and ``smoothed`` probabilities of each face.
        events: Emotions that started or ended.
        dropped: Frames and results left out before this one.
    """

    prediction: Prediction
    events: tuple[EmotionEvent, ...]
    dropped: Drops

    def to_json(self) -> str:
        """Return the JSON object of the feed."""
        return live_result_json(self.prediction.to_json(), self.events, self.dropped).decode()


@dataclass(frozen=True)
class FeedStatus:
    """A change of a feed's state.

    Attributes:
        state: ``ok``, ``problem`` or ``closing`` from the gateway; ``lost`` while the client reconnects.
        detail: The problem, or an empty string.
    """

    state: str
    detail: str = ""
