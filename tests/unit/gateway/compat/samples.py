"""What was found in a picture, for tests of answers; and the golden files that they are compared with."""

import json
from pathlib import Path
from typing import Any

from services.contracts.emotions import EMOTIONS
from services.contracts.geometry import Box, ImageSize
from services.contracts.prediction import (
    FaceEmotion,
    ModelVersion,
    Prediction,
    PredictTimings,
    UploadSource,
)

SMALL = FaceEmotion(
    box=Box(100, 50, 200, 200),
    emotion=EMOTIONS[3],
    confidence=0.5,
    reliable=True,
    probabilities=dict(zip(EMOTIONS, (0.125, 0.0, 0.0625, 0.5, 0.0625, 0.0, 0.25), strict=True)),
    sharpness=0.75,
)
LARGE = FaceEmotion(
    box=Box(500, 100, 400, 400),
    emotion=EMOTIONS[6],
    confidence=0.75,
    reliable=True,
    probabilities=dict(zip(EMOTIONS, (0.0, 0.125, 0.0, 0.0, 0.0, 0.125, 0.75), strict=True)),
    sharpness=0.5,
)


def sample_prediction(*faces: FaceEmotion) -> Prediction:
    """Return the answer about a picture of 1000×500 with these faces, the primary one first."""
    primary = faces[0] if faces else None
    return Prediction(
        request_id="request",
        source=UploadSource(),
        image=ImageSize(1000, 500),
        emotion=primary.emotion if primary else None,
        confidence=primary.confidence if primary else None,
        reliable=primary.reliable if primary else None,
        probabilities=primary.probabilities if primary else None,
        faces=faces,
        model=ModelVersion("3" if faces else None),
        timings_ms=PredictTimings(frame=1.0, detect=10.0, infer=2.0, total=13.0),
    )


def golden(name: str) -> Any:
    """Return what the golden file says; numbers stand there as they are sent."""
    return json.loads((Path(__file__).parent / "golden" / f"{name}.json").read_text("utf-8"))
