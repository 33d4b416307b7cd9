"""A Kalman filter for one coordinate whose speed fades: an integrated Ornstein–Uhlenbeck process.

Its steps are exact for any time between sightings, so frames may come at any rate. See Bar-Shalom, Li and Kirubarajan,
"Estimation with Applications to Tracking and Navigation" (2001), chapters 5, 6 and 8.
"""

from dataclasses import dataclass
from math import expm1


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
