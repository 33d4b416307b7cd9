"""Answers as the gateway gives them."""

import json
from typing import Any

import httpx

from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.geometry import Box, ImageSize
from services.contracts.live import Drops, EmotionEvent, live_result_json
from services.contracts.prediction import (
    CameraSource,
    FaceEmotion,
    ModelVersion,
    Prediction,
    PredictTimings,
    UploadSource,
)
from services.contracts.problems import PROBLEM_MEDIA_TYPE, Problem, ProblemKind

URL = "http://gateway.test"
SCORES = dict(zip(EMOTIONS, (0.05, 0.05, 0.05, 0.6, 0.05, 0.1, 0.1), strict=True))
BEGAN = EmotionEvent("emotion_started", "a1", Emotion.HAPPY, 12.5, None)


def face(reliable: bool = True, face_id: str | None = None) -> FaceEmotion:
    return FaceEmotion(Box(10, 20, 100, 120), Emotion.HAPPY, 0.6, reliable, SCORES, 0.5, face_id)


def prediction(*faces: FaceEmotion, frame_id: str | None = None, age_ms: float = 41.2) -> Prediction:
    source = CameraSource("cam0", frame_id, "2026-11-24T05:52:59.123Z", age_ms) if frame_id else UploadSource()
    first = faces[0] if faces else None
    return Prediction(
        "5f3a",
        source,
        ImageSize(1280, 720),
        first.emotion if first else None,
        first.confidence if first else None,
        first.reliable if first else None,
        first.probabilities if first else None,
        faces,
        ModelVersion("3" if faces else None),
        PredictTimings(1.0, 2.0, 3.0, 6.0),
    )


def live(frame_id: str, *events: EmotionEvent, detect: int = 0) -> dict[str, Any]:
    """Return a result of a feed as it is sent."""
    answer = prediction(face(face_id="a1"), frame_id=frame_id).to_json()
    result: dict[str, Any] = json.loads(live_result_json(answer, events, Drops(detect)))
    return result


def problem(kind: ProblemKind, detail: str = "in detail", **extensions: Any) -> httpx.Response:
    """Return a problem as the gateway sends it."""
    headers = {"Content-Type": PROBLEM_MEDIA_TYPE}
    if kind.retry_after_s is not None:
        headers["Retry-After"] = str(kind.retry_after_s)
    content = json.dumps(Problem(kind, detail, extensions).encode("5f3a"))
    return answered(httpx.Response(kind.status, headers=headers, content=content))


def ok(answer: object) -> httpx.Response:
    return answered(httpx.Response(200, content=answer if isinstance(answer, bytes) else json.dumps(answer)))


def answered(response: httpx.Response) -> httpx.Response:
    response.request = httpx.Request("GET", URL)
    return response
