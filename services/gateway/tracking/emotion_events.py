"""When a face begins and ceases to show an emotion, without flicker."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.contracts.emotions import Emotion
from services.contracts.live import EmotionEvent
from services.gateway.tracking.limits import TrackingLimits


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
