"""The gateway's answer to ``/predict``. Clients must ignore fields they don't know."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.geometry import MAX_FACES, Box, ImageSize
from services.contracts.messages import Identifier, decode_json, encode_json, to_dict
from services.contracts.model import MODEL_NAME

Scores = Annotated[dict[Emotion, float], Meta(min_length=len(EMOTIONS), max_length=len(EMOTIONS))]
"""A probability for each emotion."""


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
    probabilities: Scores
    sharpness: float
    face_id: Identifier | None = None
    smoothed: Scores | None = None


@dataclass(frozen=True)
class ModelVersion:
    """The model that gave the probabilities; the version is null if there was no face."""

    name: Identifier = field(default=MODEL_NAME, kw_only=True)
    version: Identifier | None


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

    request_id: Identifier
    source: CameraSource | UploadSource
    image: ImageSize
    emotion: Emotion | None
    confidence: float | None
    reliable: bool | None
    probabilities: Scores | None
    faces: Annotated[tuple[FaceEmotion, ...], Meta(max_length=MAX_FACES)]
    model: ModelVersion
    timings_ms: PredictTimings

    def to_json(self) -> bytes:
        """Return the answer as JSON."""
        return encode_json(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer's JSON object."""
        return to_dict(self)

    @classmethod
    def from_json(cls, body: bytes | str) -> "Prediction":
        """Read the answer; unknown fields are ignored.

        Raises:
            MalformedMessageError: It isn't JSON, or a field is missing or has an invalid value.
        """
        received = decode_json("prediction", body, _ReceivedPrediction)
        source = received.source
        if isinstance(source, _ReceivedCameraSource):
            read = CameraSource(source.camera, source.frame_id, source.captured_at, source.age_ms)
            return cls(**{**vars(received), "source": read})
        return cls(**{**vars(received), "source": UploadSource()})


class _ReceivedCameraSource(Struct, tag_field="kind", tag="camera"):
    camera: Identifier
    frame_id: Identifier
    captured_at: Identifier
    age_ms: float


class _ReceivedUploadSource(Struct, tag_field="kind", tag="upload"):
    pass


@dataclass(frozen=True)
class _ReceivedPrediction(Prediction):
    """msgspec decodes unions of structs, not of dataclasses."""

    source: _ReceivedCameraSource | _ReceivedUploadSource  # type: ignore[assignment]
