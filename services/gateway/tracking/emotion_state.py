"""The emotion of a face over time: smoothed probabilities, and start and end events without flicker."""

from dataclasses import dataclass
from math import exp, sqrt

from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.live import EmotionEvent
from services.contracts.prediction import FaceEmotion
from services.gateway.tracking.config import TrackerConfig


@dataclass(frozen=True)
class EmotionEma:
    """An exponential moving average of a face's probabilities, weighted by size and sharpness.

    Attributes:
        weights: Weighted seconds of each emotion, in the order of ``EMOTIONS``.
        total_s: Weighted seconds of all sightings.
    """

    weights: tuple[float, ...] = (0.0,) * len(EMOTIONS)
    total_s: float = 0.0

    def accumulate(self, face: FaceEmotion, elapsed_s: float | None, config: TrackerConfig) -> "EmotionEma":
        """Add a sighting. Old ones decay by time, not by frames, so the frame rate makes no difference.

        Args:
            face: The sighting.
            elapsed_s: Seconds since the last sighting; None for the first.
            config: Time constant and weights.
        """
        counted_s = config.max_weight_s if elapsed_s is None else min(elapsed_s, config.max_weight_s)
        added_s = counted_s * sighting_weight(face, config)
        kept = 1.0 if elapsed_s is None else exp(-elapsed_s / config.smoothing_s)
        return EmotionEma(
            weights=tuple(
                kept * weight + added_s * face.probabilities[emotion]
                for emotion, weight in zip(EMOTIONS, self.weights, strict=True)
            ),
            total_s=kept * self.total_s + added_s,
        )

    def probabilities(self) -> dict[Emotion, float]:
        """Return the smoothed probabilities, which sum to 1, of a face with at least one sighting."""
        total = sum(self.weights)
        return {emotion: weight / total for emotion, weight in zip(EMOTIONS, self.weights, strict=True)}


def sighting_weight(face: FaceEmotion, config: TrackerConfig) -> float:
    """Return the weight of a sighting, up to 1; small and blurred faces have less."""
    size = min(1.0, sqrt(face.box.w * face.box.h) / config.full_weight_px)
    sharpness = min(1.0, face.sharpness / config.full_weight_sharpness)
    return max(config.min_weight, size * sharpness)


@dataclass(frozen=True)
class EmotionState:
    """The emotion that a face shows.

    Attributes:
        emotion: The emotion that started and has not ended; None while none is certain.
        since_s: Its start.
        candidate: What sightings show instead since ``candidate_since_s``.
        candidate_since_s: None while sightings agree with ``emotion``.
    """

    emotion: Emotion | None
    since_s: float
    candidate: Emotion | None = None
    candidate_since_s: float | None = None

    def update(self, smoothed: EmotionEma, at_s: float, config: TrackerConfig) -> "EmotionState":
        """Return the state after a sighting; it changes after a candidate held for the dwell time.

        Args:
            smoothed: The average with this sighting.
            at_s: The sighting's time.
            config: Thresholds and dwell time.
        """
        emotion = _classify(self.emotion, smoothed, config)
        if emotion == self.emotion:
            return EmotionState(self.emotion, self.since_s)
        if self.candidate_since_s is None or emotion != self.candidate:
            return EmotionState(self.emotion, self.since_s, emotion, at_s)
        if at_s - self.candidate_since_s < config.dwell_s:
            return self
        return EmotionState(emotion, self.candidate_since_s)

    def shift_clock(self, by_s: float) -> "EmotionState":
        """Return the state after the clock was changed by this many seconds."""
        since_s = self.candidate_since_s
        return EmotionState(
            self.emotion, self.since_s + by_s, self.candidate, None if since_s is None else since_s + by_s
        )

    def events_since(self, before: "EmotionState", face_id: str) -> tuple[EmotionEvent, ...]:
        """Return what ended and started since an earlier state of the face."""
        if before.emotion == self.emotion:
            return ()
        started: tuple[EmotionEvent, ...] = ()
        if self.emotion is not None:
            started = (EmotionEvent("emotion_started", face_id, self.emotion, self.since_s, None),)
        return (*before.close(face_id, self.since_s), *started)

    def close(self, face_id: str, at_s: float) -> tuple[EmotionEvent, ...]:
        """Return the end of the current emotion, if there is one."""
        if self.emotion is None:
            return ()
        return (EmotionEvent("emotion_ended", face_id, self.emotion, at_s, at_s - self.since_s),)


def _classify(current: Emotion | None, smoothed: EmotionEma, config: TrackerConfig) -> Emotion | None:
    probabilities = smoothed.probabilities()
    best, second = sorted(probabilities, key=lambda emotion: probabilities[emotion], reverse=True)[:2]
    lead = probabilities[best] - probabilities[second]
    enough = smoothed.total_s >= config.min_evidence_s
    if enough and probabilities[best] >= config.start_probability and lead >= config.margin:
        return best
    if current is None or probabilities[current] < config.keep_probability:
        return None
    return current if probabilities[best] - probabilities[current] < config.margin else None
