"""Every number that following faces depends on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrackingLimits:
    """How faces are followed. A side is that of the face's box; times are seconds.

    Attributes:
        max_missed_s: A face unseen for longer has left. More than the half second of misses that a face must survive,
            since that lies between two sightings.
        box_jitter: Standard deviation of a detected box's centre on a still face, in sides.
        size_jitter: The same of the logarithm of its side; a Haar cascade's sizes come in steps of a tenth.
        speed: Typical speed of a face, in sides a second.
        growth: Typical change of the logarithm of its side, a second.
        speed_memory_s: How long a speed lasts.
        gate: A face farther from a track's expected place is another one: squared Mahalanobis distance in three
            dimensions, of which chance exceeds 16.3 once in a thousand.
        min_overlap: Nor is it another one from this intersection over union on, whatever its motion was.
        max_reach: Farthest from the expected place, in sides.
        new_face_cost: A face whose match costs more is a new one: −2 ln of how densely new faces come up, in
            sides and logarithms of sides.
        memory_s: Time constant of smoothed probabilities.
        max_weight_s: A sighting counts for the time since the last one, but at most for this; the first for all of it.
        full_weight_px: Faces from this side on count fully.
        full_weight_sharpness: Faces from this sharpness on count fully.
        min_weight: What a sighting of the smallest and most blurred face counts.
        min_evidence_s: No emotion begins on less weighted time of sightings.
        start_probability: Smoothed probability from which an emotion can begin.
        keep_probability: Smoothed probability below which it ends.
        margin: By how much an emotion must lead to begin, and another one to end it.
        dwell_s: How long either must hold.
    """

    max_missed_s: float = 1.0
    box_jitter: float = 0.05
    size_jitter: float = 0.06
    speed: float = 1.5
    growth: float = 0.5
    speed_memory_s: float = 1.0
    gate: float = 16.3
    min_overlap: float = 0.3
    max_reach: float = 1.5
    new_face_cost: float = 6.0
    memory_s: float = 1.0
    max_weight_s: float = 0.2
    full_weight_px: float = 96.0
    full_weight_sharpness: float = 0.5
    min_weight: float = 0.05
    min_evidence_s: float = 0.15
    start_probability: float = 0.5
    keep_probability: float = 0.3
    margin: float = 0.2
    dwell_s: float = 1.0


DEFAULT_LIMITS = TrackingLimits()
