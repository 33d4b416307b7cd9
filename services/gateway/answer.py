"""Puts the answer of ``/predict`` together."""

from services.contracts.prediction import (
    CameraSource,
    ModelVersion,
    Prediction,
    PredictTimings,
    UploadSource,
)
from services.gateway.pipeline import Analysis


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
