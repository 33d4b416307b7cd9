"""The gateway's answer to ``/predict``. Clients must ignore fields they don't know."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.geometry import MAX_FACES, Box, ImageSize, decode_box, decode_size
from services.contracts.messages import MalformedMessageError, explained, finite, member, optional, several, text, truth
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


def decode_prediction(answer: Mapping[str, Any]) -> Prediction:
    """Read the answer's JSON object; fields it doesn't know are ignored.

    Raises:
        MalformedMessageError: A field is missing or can't be read.
    """
    try:
        return Prediction(
            request_id=text(answer["request_id"]),
            source=_source(answer["source"]),
            image=decode_size(answer["image"]),
            emotion=optional(_emotion, answer["emotion"]),
            confidence=optional(finite, answer["confidence"]),
            reliable=optional(truth, answer["reliable"]),
            probabilities=optional(_probabilities, answer["probabilities"]),
            faces=several(_face, answer["faces"], MAX_FACES),
            model=ModelVersion(name=text(answer["model"]["name"]), version=optional(text, answer["model"]["version"])),
            timings_ms=_timings(answer["timings_ms"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise explained("prediction", error) from None


def _source(source: Mapping[str, Any]) -> CameraSource | UploadSource:
    if source["kind"] == "upload":
        return UploadSource()
    if source["kind"] != "camera":
        raise MalformedMessageError("source is of another kind")
    return CameraSource(
        camera=text(source["camera"]),
        frame_id=text(source["frame_id"]),
        captured_at=text(source["captured_at"]),
        age_ms=finite(source["age_ms"]),
    )


def _face(face: Mapping[str, Any]) -> FaceEmotion:
    return FaceEmotion(
        box=decode_box(face["box"]),
        emotion=_emotion(face["emotion"]),
        confidence=finite(face["confidence"]),
        reliable=truth(face["reliable"]),
        probabilities=_probabilities(face["probabilities"]),
        sharpness=finite(face["sharpness"]),
        face_id=optional(text, face.get("face_id")),
        smoothed=optional(_probabilities, face.get("smoothed")),
    )


def _emotion(value: object) -> Emotion:
    return member(Emotion, value)


def _probabilities(scores: Mapping[str, Any]) -> dict[Emotion, float]:
    return {emotion: finite(scores[emotion]) for emotion in EMOTIONS}


def _timings(timings: Mapping[str, Any]) -> PredictTimings:
    return PredictTimings(
        frame=finite(timings["frame"]),
        detect=finite(timings["detect"]),
        infer=finite(timings["infer"]),
        total=finite(timings["total"]),
    )
