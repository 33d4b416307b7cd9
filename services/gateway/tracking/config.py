"""The parameters of face tracking."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrackerConfig:
    """Parameters of the tracker. A side is the root of a box's area; times are in seconds.

    Attributes:
        max_missed_s: A face unseen for longer has left. It exceeds the half second of misses that a track must
            survive, since that half second lies between two sightings.
        box_jitter: Standard deviation of a detected box's centre on a still face, in sides.
        size_jitter: Standard deviation of the logarithm of its side. The sizes of a Haar cascade come in steps of a
            tenth.
        speed: Typical speed of a face, in sides per second.
        growth: Typical change of the logarithm of its side, per second.
        speed_decay_s: Time constant with which a speed decays.
        gate: Largest squared Mahalanobis distance, in three dimensions, of a face from its track. Chance exceeds 16.3
            once in a thousand.
        min_iou: A box that overlaps the predicted box this much may match even beyond the gate.
        max_distance: Largest distance from the predicted centre, in sides.
        new_face_cost: A face whose match costs more starts a new track: −2 ln of the density of new faces, in sides
            and logarithms of sides.
        smoothing_s: Time constant of the smoothed probabilities.
        max_weight_s: A sighting counts for the time since the last one, but at most for this. The first counts for
            all of it.
        full_weight_px: Faces with at least this side have full weight.
        full_weight_sharpness: Faces with at least this sharpness have full weight.
        min_weight: Weight of the smallest and most blurred face.
        min_evidence_s: An emotion starts only on this much weighted time of sightings.
        start_probability: Smoothed probability from which an emotion can start.
        keep_probability: Smoothed probability below which it ends.
        margin: Lead that an emotion needs to start, and that another one needs to end it.
        dwell_s: Time for which either must hold.
    """

    max_missed_s: float = 1.0
    box_jitter: float = 0.05
    size_jitter: float = 0.06
    speed: float = 1.5
    growth: float = 0.5
    speed_decay_s: float = 1.0
    gate: float = 16.3
    min_iou: float = 0.3
    max_distance: float = 1.5
    new_face_cost: float = 6.0
    smoothing_s: float = 1.0
    max_weight_s: float = 0.2
    full_weight_px: float = 96.0
    full_weight_sharpness: float = 0.5
    min_weight: float = 0.05
    min_evidence_s: float = 0.15
    start_probability: float = 0.5
    keep_probability: float = 0.3
    margin: float = 0.2
    dwell_s: float = 1.0


DEFAULT_CONFIG = TrackerConfig()
