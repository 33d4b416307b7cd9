"""The gateway's answer to ``/predict``. Clients must ignore fields they don't know."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from services.contracts.emotions import Emotion
from services.contracts.geometry import Box, ImageSize
from services.contracts.model import MODEL_NAME


@dataclass(frozen=True)
class CameraSource:
    """The answer is about a camera's frame.

    Attributes:
        camera: The camera's id.
        frame_id: The entry id that Redis gave the frame.
        captured_at: ISO 8601 in UTC, by Redis's clock.
        age_ms: From the capture to this answer.
    """

    kind: Literal["camera"] = field(default="camera", kw_only=True)
    camera: str
    frame_id: str
    captured_at: str
    age_ms: float


@dataclass(frozen=True)
class UploadSource:
    """The answer is about an uploaded image."""

    kind: Literal["upload"] = field(default="upload", kw_only=True)


@dataclass(frozen=True)
class FaceEmotion:
    """One face and its emotion.

    Attributes:
        box: The face in the upright image.
        emotion: The most probable emotion.
        confidence: Its probability, 0 to 1.
        reliable: Whether the confidence is at or above the threshold that the model's evaluation chose.
        probabilities: One for each emotion, 0 to 1, together 1.
        sharpness: 0 (no detail) to 1 (crisp).
        face_id: Filled by live sessions: stable while the face is in view.
        smoothed: Filled by live sessions: probabilities over the face's last frames.
    """

    box: Box
    emotion: Emotion
    confidence: float
    reliable: bool
    probabilities: dict[Emotion, float]
    sharpness: float
    face_id: str | None = None
    smoothed: dict[Emotion, float] | None = None


@dataclass(frozen=True)
class ModelVersion:
    """The model that gave the probabilities; the version is null where no face needed one."""

    name: str = field(default=MODEL_NAME, kw_only=True)
    version: str | None


@dataclass(frozen=True)
class PredictTimings:
    """Milliseconds: fetching the frame, finding faces, inferring emotions, and all of it."""

    frame: float
    detect: float
    infer: float
    total: float


@dataclass(frozen=True)
class Prediction:
    """The whole answer. The top level repeats the primary face; null where there is no face."""

    request_id: str
    source: CameraSource | UploadSource
    image: ImageSize
    emotion: Emotion | None
    confidence: float | None
    reliable: bool | None
    probabilities: dict[Emotion, float] | None
    faces: tuple[FaceEmotion, ...]
    model: ModelVersion
    timings_ms: PredictTimings

    def encode(self) -> dict[str, Any]:
        """Return the answer's JSON object."""
        return asdict(self)
