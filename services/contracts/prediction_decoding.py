"""Reads the gateway's answer to ``/predict``, for its clients."""

from collections.abc import Mapping
from typing import Any

from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.geometry import MAX_FACES, decode_box, decode_size
from services.contracts.messages import MalformedMessage, explained, finite, member, optional, several, text, truth
from services.contracts.prediction import (
    CameraSource,
    FaceEmotion,
    ModelVersion,
    Prediction,
    PredictTimings,
    UploadSource,
)


def decode_prediction(answer: Mapping[str, Any]) -> Prediction:
    """Read the answer's JSON object; fields it doesn't know are ignored.

    Raises:
        MalformedMessage: A field is missing or can't be read.
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
        raise MalformedMessage("source is of another kind")
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
