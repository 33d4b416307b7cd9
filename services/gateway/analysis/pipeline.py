"""The order of things: image → faces → emotions."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from services.contracts.detection import DetectedFace, Detection
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
    """What was found in one image.

    Attributes:
        image: The upright image's size.
        faces: The primary face first.
        model_version: None where no face needed the model.
        detect_ms: Time to find the faces.
        infer_ms: Time to infer their emotions.
    """

    image: ImageSize
    faces: tuple[FaceEmotion, ...]
    model_version: str | None
    detect_ms: float
    infer_ms: float


@dataclass(frozen=True)
class Pipeline:
    """The two services that an image passes through.

    Attributes:
        detector: The first.
        model: The second.
        kept_for_model_s: How much of the time the detector may not use up, so that the model isn't blamed for it.
    """

    detector: FaceDetector
    model: EmotionModel
    kept_for_model_s: float = 0.0

    async def analyse(self, image: bytes, media_type: str, request_id: str, by: Deadline) -> Analysis:
        """Find the faces of an image and their emotions, by then.

        Raises:
            ServiceError: The image can't be used, or a service fails.
        """
        started = perf_counter()
        detection = await self.detector.detect(image, media_type, request_id, by.keeping(self.kept_for_model_s))
        detected = perf_counter()
        scores = await self._infer(detection, by)
        done = perf_counter()
        return Analysis(
            image=detection.image,
            faces=describe(detection.faces, scores) if scores else (),
            model_version=scores.version if scores else None,
            detect_ms=(detected - started) * 1e3,
            infer_ms=(done - detected) * 1e3,
        )

    async def _infer(self, detection: Detection, by: Deadline) -> EmotionScores | None:
        if not detection.faces:
            return None
        return await self.model.infer(np.stack([face.pixels for face in detection.faces]), by)


def describe(faces: Sequence[DetectedFace], scores: EmotionScores) -> tuple[FaceEmotion, ...]:
    """Join boxes and scores, face by face."""
    described = []
    for face, row, reliable in zip(faces, scores.probabilities, scores.reliable, strict=True):
        best = int(row.argmax())
        described.append(
            FaceEmotion(
                box=face.box,
                emotion=EMOTIONS[best],
                confidence=float(row[best]),
                reliable=bool(reliable),
                probabilities=dict(zip(EMOTIONS, row.tolist(), strict=True)),
                sharpness=face.sharpness,
            )
        )
    return tuple(described)


def prediction(
    request_id: str,
    source: CameraSource | UploadSource,
    analysis: Analysis,
    frame_ms: float,
    total_ms: float,
) -> Prediction:
    """Return the answer; its top level repeats the primary face.

    Args:
        request_id: The request's own.
        source: Where the image came from.
        analysis: What was found in it.
        frame_ms: Time to get hold of the image.
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
