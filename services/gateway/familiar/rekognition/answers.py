"""What DetectFaces answers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from services.contracts.emotions import Emotion
from services.contracts.geometry import ImageSize
from services.contracts.prediction import FaceEmotion, Prediction
from services.gateway.familiar.face_probability import FACE_PROBABILITY
from services.gateway.familiar.largest import largest_first

MOST_FACES = 100
_NAMES: Mapping[Emotion, str] = MappingProxyType(
    {
        Emotion.ANGRY: "ANGRY",
        Emotion.DISGUST: "DISGUSTED",
        Emotion.FEAR: "FEAR",
        Emotion.HAPPY: "HAPPY",
        Emotion.SAD: "SAD",
        Emotion.SURPRISE: "SURPRISED",
        Emotion.NEUTRAL: "CALM",
    }
)
"""Rekognition's names; its CONFUSED and UNKNOWN aren't among ours."""


def face_details(found: Prediction, emotions: bool) -> dict[str, Any]:
    """Return the answer: the largest faces, in ratios of the upright image's size, scores as percentages.

    What isn't measured here (pose, brightness, age and so on) is left out rather than made up.
    """
    faces = largest_first(found.faces)[:MOST_FACES]
    return {"FaceDetails": [_face(face, found.image, emotions) for face in faces]}


def _face(face: FaceEmotion, image: ImageSize, emotions: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "BoundingBox": {
            "Width": face.box.w / image.width,
            "Height": face.box.h / image.height,
            "Left": face.box.x / image.width,
            "Top": face.box.y / image.height,
        },
        "Confidence": 100 * FACE_PROBABILITY,
        "Landmarks": [],
        "Quality": {"Sharpness": 100 * face.sharpness},
    }
    if emotions:
        described["Emotions"] = _emotions(face)
    return described


def _emotions(face: FaceEmotion) -> list[dict[str, Any]]:
    """Return all emotions, the most probable first."""
    scores = sorted(face.probabilities.items(), key=lambda scored: scored[1], reverse=True)
    return [{"Type": _NAMES[emotion], "Confidence": 100 * score} for emotion, score in scores]
