"""The pipeline of an image: faces from the detector, then their emotions from the model."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from services.contracts.detection import DetectedFace, Detection, model_input
from services.contracts.emotions import EMOTIONS
from services.contracts.geometry import ImageSize
from services.contracts.prediction import (
    CameraSource,
    FaceEmotion,
    ModelVersion,
    Prediction,
    PredictTimings,
    UploadSource,
)
from services.gateway.protocols import Deadline, EmotionModel, EmotionScores, FaceDetector


@dataclass(frozen=True)
class Analysis:
    """The faces and emotions in one image.

    Attributes:
        image: Size of the upright image.
        faces: The primary face first.
        model_version: None if the image has no faces, so that the model wasn't called.
        detect_ms: Time of the detector.
        infer_ms: Time of the model.
    """

    image: ImageSize
    faces: tuple[FaceEmotion, ...]
    model_version: str | None
    detect_ms: float
    infer_ms: float


@dataclass(frozen=True)
class Pipeline:
    """The detector and the model.

    Attributes:
        detector: Finds the faces of an image.
        model: Infers their emotions.
        detect_timeout_s: Limit for the detector.
        model_time_s: Part of a deadline that is reserved for the model, so that a slow detector causes a timeout of
            the detector and not of the model.
    """

    detector: FaceDetector
    model: EmotionModel
    detect_timeout_s: float = math.inf
    model_time_s: float = 0.0

    async def analyze(self, image: bytes, media_type: str, request_id: str, deadline: Deadline) -> Analysis:
        """Return the faces of an image with their emotions.

        Raises:
            ServiceError: The image can't be used, or a service fails.
        """
        started_s = perf_counter()
        detect_deadline = deadline.reserve(self.model_time_s).capped(self.detect_timeout_s)
        detection = await self.detector.detect(image, media_type, request_id, detect_deadline)
        detected_s = perf_counter()
        scores = await self._infer(detection, deadline)
        done_s = perf_counter()
        return Analysis(
            image=detection.image,
            faces=merge_scores(detection.faces, scores) if scores else (),
            model_version=scores.version if scores else None,
            detect_ms=(detected_s - started_s) * 1e3,
            infer_ms=(done_s - detected_s) * 1e3,
        )

    async def _infer(self, detection: Detection, deadline: Deadline) -> EmotionScores | None:
        if not detection.faces:
            return None
        return await self.model.infer(model_input(detection.faces), deadline)


def merge_scores(faces: Sequence[DetectedFace], scores: EmotionScores) -> tuple[FaceEmotion, ...]:
    """Return the detected faces with their scores."""
    merged = []
    for face, row, reliable in zip(faces, scores.probabilities, scores.reliable, strict=True):
        best = int(row.argmax())
        merged.append(
            FaceEmotion(
                box=face.box,
                emotion=EMOTIONS[best],
                confidence=float(row[best]),
                reliable=bool(reliable),
                probabilities=dict(zip(EMOTIONS, row.tolist(), strict=True)),
                sharpness=face.sharpness,
            )
        )
    return tuple(merged)


def build_prediction(
    request_id: str,
    source: CameraSource | UploadSource,
    analysis: Analysis,
    frame_ms: float,
    total_ms: float,
) -> Prediction:
    """Return the answer of ``/predict``. Its top level repeats the primary face.

    Args:
        request_id: Id of the request.
        source: The camera or the upload.
        analysis: The faces and emotions.
        frame_ms: Time until the image was available.
        total_ms: Time from the request to this answer.
    """
    primary = analysis.faces[0] if analysis.faces else None
    return Prediction(
        request_id=request_id,
        source=source,
        image=analysis.image,
        emotion=primary.emotion if primary else None,
        confidence=primary.confidence if primary else None,
        reliable=primary.reliable if primary else None,
        probabilities=primary.probabilities if primary else None,
        faces=analysis.faces,
        model=ModelVersion(analysis.model_version),
        timings_ms=PredictTimings(frame=frame_ms, detect=analysis.detect_ms, infer=analysis.infer_ms, total=total_ms),
    )
