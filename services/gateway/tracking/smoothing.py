"""Probabilities over a face's last sightings."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, sqrt

from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.prediction import FaceEmotion
from services.gateway.tracking.limits import TrackingLimits


@dataclass(frozen=True)
class Evidence:
    """Weighted seconds that each emotion was seen for, fading.

    Attributes:
        weights: In the order of ``EMOTIONS``.
        total_s: Weighted seconds of all sightings.
    """

    weights: tuple[float, ...]
    total_s: float


NO_EVIDENCE = Evidence((0.0,) * len(EMOTIONS), 0.0)


def gathered(evidence: Evidence, face: FaceEmotion, elapsed_s: float | None, limits: TrackingLimits) -> Evidence:
    """Add a sighting. What is old fades by time, not by frames, so that the frame rate makes no difference.

    Args:
        evidence: Until the last sighting.
        face: This sighting.
        elapsed_s: Since the last sighting; None for the first.
        limits: How fast it fades and what counts how much.
    """
    counts_s = limits.max_weight_s if elapsed_s is None else min(elapsed_s, limits.max_weight_s)
    added_s = counts_s * sighting_weight(face, limits)
    kept = 1.0 if elapsed_s is None else exp(-elapsed_s / limits.memory_s)
    return Evidence(
        weights=tuple(
            kept * weight + added_s * face.probabilities[emotion]
            for emotion, weight in zip(EMOTIONS, evidence.weights, strict=True)
        ),
        total_s=kept * evidence.total_s + added_s,
    )


def sighting_weight(face: FaceEmotion, limits: TrackingLimits) -> float:
    """Return how much a sighting counts, up to 1: small and blurred faces say less."""
    size = min(1.0, sqrt(face.box.w * face.box.h) / limits.full_weight_px)
    sharpness = min(1.0, face.sharpness / limits.full_weight_sharpness)
    return max(limits.min_weight, size * sharpness)


def smoothed(evidence: Evidence) -> Mapping[Emotion, float]:
    """Return probabilities that sum to 1, of a face that was seen at least once."""
    total = sum(evidence.weights)
    return {emotion: weight / total for emotion, weight in zip(EMOTIONS, evidence.weights, strict=True)}
