"""When a face begins and ceases to show an emotion, without flicker."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, sqrt

from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.live import EmotionEvent
from services.contracts.prediction import FaceEmotion
from services.gateway.tracking.config import TrackingLimits


@dataclass(frozen=True)
class Shown:
    """What a face shows.

    Attributes:
        emotion: It began and hasn't ended; None while nothing is convincing.
        since_s: When it began to.
        other: What sightings say instead since ``other_since_s``, where they do.
        other_since_s: None while they agree.
    """

    emotion: Emotion | None
    since_s: float
    other: Emotion | None = None
    other_since_s: float | None = None


def updated(
    shown: Shown, probabilities: Mapping[Emotion, float], evidence_s: float, at_s: float, limits: TrackingLimits
) -> Shown:
    """Return what the face shows after a sighting; it changes where something else held for the dwell time.

    Args:
        shown: Until now.
        probabilities: Smoothed.
        evidence_s: Weighted seconds of sightings that they rest on.
        at_s: The sighting's time.
        limits: What convinces.
    """
    told = _told(shown.emotion, probabilities, evidence_s, limits)
    if told == shown.emotion:
        return Shown(shown.emotion, shown.since_s)
    if shown.other_since_s is None or told != shown.other:
        return Shown(shown.emotion, shown.since_s, told, at_s)
    if at_s - shown.other_since_s < limits.dwell_s:
        return shown
    return Shown(told, shown.other_since_s)


def events(face_id: str, before: Shown, after: Shown) -> tuple[EmotionEvent, ...]:
    """Return what began and ended between two sightings of a face."""
    if before.emotion == after.emotion:
        return ()
    found = []
    if before.emotion is not None:
        found.append(_ended(face_id, before.emotion, before.since_s, after.since_s))
    if after.emotion is not None:
        found.append(EmotionEvent("emotion_started", face_id, after.emotion, after.since_s, None))
    return tuple(found)


def left(face_id: str, shown: Shown, last_seen_s: float) -> tuple[EmotionEvent, ...]:
    """Return what ended because the face left."""
    if shown.emotion is None:
        return ()
    return (_ended(face_id, shown.emotion, shown.since_s, last_seen_s),)


def _ended(face_id: str, emotion: Emotion, since_s: float, at_s: float) -> EmotionEvent:
    return EmotionEvent("emotion_ended", face_id, emotion, at_s, at_s - since_s)


def _told(
    current: Emotion | None, probabilities: Mapping[Emotion, float], evidence_s: float, limits: TrackingLimits
) -> Emotion | None:
    best, second = sorted(probabilities, key=lambda emotion: probabilities[emotion], reverse=True)[:2]
    lead = probabilities[best] - probabilities[second]
    enough = evidence_s >= limits.min_evidence_s
    if enough and probabilities[best] >= limits.start_probability and lead >= limits.margin:
        return best
    if current is None or probabilities[current] < limits.keep_probability:
        return None
    return current if probabilities[best] - probabilities[current] < limits.margin else None


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
