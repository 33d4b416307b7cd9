"""Predictions in the shapes of other products, as the golden files have them."""

import json

import numpy as np

from services.gateway.compat import compreface, deepface, open_inference, rekognition
from services.gateway.compat.compreface import DetectOptions, select_faces
from services.gateway.compat.open_inference import InferRequest, model_metadata
from services.gateway.compat.rekognition import MAX_FACES
from services.gateway.protocols import EmotionScores
from tests.unit.gateway.compat.samples import LARGE, SMALL, golden, sample_prediction

FACES = np.zeros((2, 48, 48, 1), np.float32)
SCORES = EmotionScores(
    np.array([list(face.probabilities.values()) for face in (SMALL, LARGE)], np.float32), np.array([True, False]), "3"
)


def test_deepface() -> None:
    assert deepface.serialize(sample_prediction(SMALL, LARGE)) == golden("deepface")
    assert deepface.serialize(sample_prediction()) == {"results": []}


def test_compreface_has_the_largest_first() -> None:
    assert compreface.serialize(sample_prediction(SMALL, LARGE), DetectOptions()) == golden("compreface")


def test_compreface_with_status_and_limit() -> None:
    assert compreface.serialize(sample_prediction(SMALL, LARGE), DetectOptions(limit=1, status=True)) == golden(
        "compreface-status"
    )


def test_compreface_with_a_threshold() -> None:
    assert len(select_faces(sample_prediction(SMALL, LARGE), DetectOptions(threshold=0.97))) == 2
    assert select_faces(sample_prediction(SMALL, LARGE), DetectOptions(threshold=0.98)) == []


def test_rekognition() -> None:
    assert rekognition.serialize(sample_prediction(SMALL, LARGE), emotions=True) == golden("rekognition-emotions")
    assert rekognition.serialize(sample_prediction(SMALL), emotions=False) == golden("rekognition-default")
    assert rekognition.serialize(sample_prediction(), emotions=True) == {"FaceDetails": []}


def test_rekognition_has_the_hundred_largest() -> None:
    (*others, last) = rekognition.serialize(sample_prediction(*[SMALL] * MAX_FACES, LARGE), emotions=False)[
        "FaceDetails"
    ]
    assert len(others) + 1 == MAX_FACES
    assert others[0]["BoundingBox"]["Width"] == 0.4
    assert last["BoundingBox"]["Width"] == 0.2


def test_open_inference_as_json() -> None:
    body, json_bytes = open_inference.serialize(
        InferRequest("42", FACES, {"probabilities": False, "reliable": False}), SCORES
    )
    assert json_bytes is None
    assert json.loads(body) == golden("open-inference-json")


def test_open_inference_in_binary() -> None:
    body, json_bytes = open_inference.serialize(
        InferRequest(None, FACES, {"reliable": True, "probabilities": True}), SCORES
    )
    assert json_bytes is not None
    assert json.loads(body[:json_bytes]) == golden("open-inference-binary")
    assert body[json_bytes:] == b"\1\0" + SCORES.probabilities.tobytes()


def test_open_inference_tells_of_the_model() -> None:
    assert model_metadata((1, 3)) == golden("open-inference-model")
