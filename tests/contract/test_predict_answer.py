"""The JSON that ``/predict`` answers with."""

import json

from services.contracts.emotions import Emotion
from services.contracts.geometry import Box, ImageSize
from services.contracts.prediction import (
    CameraSource,
    FaceEmotion,
    ModelVersion,
    Prediction,
    PredictTimings,
    UploadSource,
)

PROBABILITIES = {
    Emotion.ANGRY: 0.0102,
    Emotion.DISGUST: 0.0004,
    Emotion.FEAR: 0.0212,
    Emotion.HAPPY: 0.8313,
    Emotion.SAD: 0.0298,
    Emotion.SURPRISE: 0.0391,
    Emotion.NEUTRAL: 0.068,
}
SCORES = {emotion.value: score for emotion, score in PROBABILITIES.items()}


def test_a_camera_frame_with_a_face() -> None:
    prediction = Prediction(
        request_id="5f3a",
        source=CameraSource("cam0", "1763000000000-0", "2026-11-24T05:52:59.123Z", 41.2),
        image=ImageSize(1280, 720),
        emotion=Emotion.HAPPY,
        confidence=0.8313,
        reliable=True,
        probabilities=PROBABILITIES,
        faces=(FaceEmotion(Box(412, 133, 196, 196), Emotion.HAPPY, 0.8313, True, PROBABILITIES, 0.71),),
        model=ModelVersion("1"),
        timings_ms=PredictTimings(frame=0.6, detect=9.1, infer=2.2, total=13.0),
    )
    assert json.loads(prediction.to_json()) == {
        "request_id": "5f3a",
        "source": {
            "kind": "camera",
            "camera": "cam0",
            "frame_id": "1763000000000-0",
            "captured_at": "2026-11-24T05:52:59.123Z",
            "age_ms": 41.2,
        },
        "image": {"width": 1280, "height": 720},
        "emotion": "happy",
        "confidence": 0.8313,
        "reliable": True,
        "probabilities": SCORES,
        "faces": [
            {
                "box": {"x": 412, "y": 133, "w": 196, "h": 196},
                "emotion": "happy",
                "confidence": 0.8313,
                "reliable": True,
                "probabilities": SCORES,
                "sharpness": 0.71,
                "face_id": None,
                "smoothed": None,
            }
        ],
        "model": {"name": "emotion", "version": "1"},
        "timings_ms": {"frame": 0.6, "detect": 9.1, "infer": 2.2, "total": 13.0},
    }


def test_an_upload_without_a_face() -> None:
    prediction = Prediction(
        request_id="5f3a",
        source=UploadSource(),
        image=ImageSize(640, 480),
        emotion=None,
        confidence=None,
        reliable=None,
        probabilities=None,
        faces=(),
        model=ModelVersion(None),
        timings_ms=PredictTimings(frame=0.0, detect=9.1, infer=0.0, total=9.5),
    )
    assert json.loads(prediction.to_json()) == {
        "request_id": "5f3a",
        "source": {"kind": "upload"},
        "image": {"width": 640, "height": 480},
        "emotion": None,
        "confidence": None,
        "reliable": None,
        "probabilities": None,
        "faces": [],
        "model": {"name": "emotion", "version": None},
        "timings_ms": {"frame": 0.0, "detect": 9.1, "infer": 0.0, "total": 9.5},
    }
