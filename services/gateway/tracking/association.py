"""Which face of a frame is which face of the frames before."""

from collections.abc import Sequence
from math import inf

from services.contracts.geometry import Box
from services.gateway.tracking.assignment import cheapest
from services.gateway.tracking.limits import TrackingLimits
from services.gateway.tracking.motion import Motion, distance, sides_apart


def associate(motions: Sequence[Motion], boxes: Sequence[Box], limits: TrackingLimits) -> tuple[int | None, ...]:
    """Return each box's motion, or None for a new face; the likeliest of all ways to put them together.

    Args:
        motions: Where faces are expected, brought to the frame's time.
        boxes: The frame's faces.
        limits: What counts as far.
    """
    costs = [[_cost(motion, box, limits) for motion in motions] for box in boxes]
    return cheapest(costs, limits.new_face_cost)


def _cost(motion: Motion, box: Box, limits: TrackingLimits) -> float:
    if sides_apart(motion, box) > limits.max_reach:
        return inf
    away = distance(motion, box, limits)
    if away.mahalanobis > limits.gate and away.overlap < limits.min_overlap:
        return inf
    # −2 ln of the likelihood: without the spread, a face lost for a while would take another one's box.
    return min(away.mahalanobis, limits.gate) + away.log_spread
