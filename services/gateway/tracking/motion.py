"""Where a face is, how it moves, and how far a box is from there."""

from dataclasses import dataclass
from math import exp, expm1, hypot, log, sqrt

from services.contracts.geometry import Box, overlap
from services.gateway.tracking.config import TrackingLimits


@dataclass(frozen=True)
class Axis:
    """A coordinate, its speed a second, and their covariance."""

    position: float
    speed: float
    position_variance: float
    covariance: float
    speed_variance: float


def first_sighting(position: float, position_sd: float, speed_sd: float) -> Axis:
    """Return what one sighting tells: a place, and no more of the speed than what is typical."""
    return Axis(position, 0.0, position_sd**2, 0.0, speed_sd**2)


def predicted(axis: Axis, elapsed_s: float, speed_sd: float, memory_s: float) -> Axis:
    """Return the coordinate some time later.

    Args:
        axis: The coordinate now.
        elapsed_s: Not negative.
        speed_sd: Typical speed: its standard deviation where nothing was seen for long.
        memory_s: Time constant with which a speed fades.
    """
    faded = -expm1(-elapsed_s / memory_s)
    kept = 1.0 - faded
    travel_s = memory_s * faded
    drift = 2 * speed_sd**2 * memory_s * (elapsed_s - 2 * travel_s + memory_s * faded * (1 + kept) / 2)
    return Axis(
        position=axis.position + travel_s * axis.speed,
        speed=kept * axis.speed,
        position_variance=axis.position_variance
        + 2 * travel_s * axis.covariance
        + travel_s**2 * axis.speed_variance
        + max(0.0, drift),
        covariance=kept * (axis.covariance + travel_s * axis.speed_variance) + speed_sd**2 * memory_s * faded**2,
        speed_variance=kept**2 * axis.speed_variance + speed_sd**2 * faded * (1 + kept),
    )


def corrected(axis: Axis, position: float, position_sd: float) -> Axis:
    """Return the coordinate after it was seen, with the error of seeing."""
    total = axis.position_variance + position_sd**2
    gain, speed_gain = axis.position_variance / total, axis.covariance / total
    surprise = position - axis.position
    return Axis(
        position=axis.position + gain * surprise,
        speed=axis.speed + speed_gain * surprise,
        position_variance=(1 - gain) * axis.position_variance,
        covariance=(1 - gain) * axis.covariance,
        speed_variance=axis.speed_variance - speed_gain * axis.covariance,
    )


@dataclass(frozen=True)
class Motion:
    """A face's centre in pixels, the logarithm of its side, and the last box's width over height."""

    x: Axis
    y: Axis
    log_side: Axis
    aspect: float

    @property
    def side(self) -> float:
        """Pixels: the root of the box's area."""
        return exp(self.log_side.position)


@dataclass(frozen=True)
class Distance:
    """How a box lies to where a face is expected.

    Attributes:
        mahalanobis: Squared; three dimensions.
        log_spread: ln of the determinant of the covariance that it was measured with, in sides.
        overlap: Intersection over union.
    """

    mahalanobis: float
    log_spread: float
    overlap: float


def begin(box: Box, limits: TrackingLimits) -> Motion:
    """Return what a face's first box tells."""
    x, y, side = _measured(box)
    return Motion(
        x=first_sighting(x, limits.box_jitter * side, limits.speed * side),
        y=first_sighting(y, limits.box_jitter * side, limits.speed * side),
        log_side=first_sighting(log(side), limits.size_jitter, limits.growth),
        aspect=max(1, box.w) / max(1, box.h),
    )


def later(motion: Motion, elapsed_s: float, limits: TrackingLimits) -> Motion:
    """Return the face's motion some time later, not negative."""
    speed = limits.speed * motion.side
    return Motion(
        x=predicted(motion.x, elapsed_s, speed, limits.speed_memory_s),
        y=predicted(motion.y, elapsed_s, speed, limits.speed_memory_s),
        log_side=predicted(motion.log_side, elapsed_s, limits.growth, limits.speed_memory_s),
        aspect=motion.aspect,
    )


def seen(motion: Motion, box: Box, limits: TrackingLimits) -> Motion:
    """Return the motion, brought to the time of a box, after that box."""
    x, y, side = _measured(box)
    return Motion(
        x=corrected(motion.x, x, limits.box_jitter * side),
        y=corrected(motion.y, y, limits.box_jitter * side),
        log_side=corrected(motion.log_side, log(side), limits.size_jitter),
        aspect=max(1, box.w) / max(1, box.h),
    )


def sides_apart(motion: Motion, box: Box) -> float:
    """Return how far a box's centre is from where the face is expected, in the face's sides."""
    x, y, _ = _measured(box)
    return hypot(x - motion.x.position, y - motion.y.position) / motion.side


def distance(motion: Motion, box: Box, limits: TrackingLimits) -> Distance:
    """Measure a box against a motion brought to its time."""
    x, y, side = _measured(box)
    jitter = (limits.box_jitter * motion.side) ** 2
    x_variance, y_variance = motion.x.position_variance + jitter, motion.y.position_variance + jitter
    size_variance = motion.log_side.position_variance + limits.size_jitter**2
    dx, dy, growth = x - motion.x.position, y - motion.y.position, log(side) - motion.log_side.position
    return Distance(
        mahalanobis=dx**2 / x_variance + dy**2 / y_variance + growth**2 / size_variance,
        log_spread=log(x_variance) + log(y_variance) + log(size_variance) - 4 * motion.log_side.position,
        overlap=overlap(as_box(motion), box),
    )


def as_box(motion: Motion) -> Box:
    """Return the box at the motion's place, at least one pixel wide and high."""
    width, height = motion.side * sqrt(motion.aspect), motion.side / sqrt(motion.aspect)
    return Box(
        x=round(motion.x.position - width / 2),
        y=round(motion.y.position - height / 2),
        w=max(1, round(width)),
        h=max(1, round(height)),
    )


def _measured(box: Box) -> tuple[float, float, float]:
    return box.x + box.w / 2, box.y + box.h / 2, sqrt(max(1, box.w) * max(1, box.h))
