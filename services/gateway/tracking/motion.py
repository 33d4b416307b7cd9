"""Motion of a face: one Kalman filter per coordinate, and the distance of a box from the prediction.

The speed of a coordinate decays over time (an integrated Ornstein–Uhlenbeck process). The steps are exact for any time
between two frames, so frames may come at any rate. See Bar-Shalom, Li and Kirubarajan, "Estimation with Applications to
Tracking and Navigation" (2001), chapters 5, 6 and 8.
"""

from dataclasses import dataclass
from math import exp, expm1, hypot, log, sqrt

from services.contracts.geometry import Box, iou
from services.gateway.tracking.config import TrackerConfig


@dataclass(frozen=True)
class KalmanState:
    """A coordinate, its speed per second, and their covariance."""

    position: float
    speed: float
    position_variance: float
    covariance: float
    speed_variance: float

    @staticmethod
    def initiate(position: float, position_sd: float, speed_sd: float) -> "KalmanState":
        """Return the state after one measurement, with the typical speed as the only knowledge of the speed."""
        return KalmanState(position, 0.0, position_sd**2, 0.0, speed_sd**2)

    def predict(self, elapsed_s: float, speed_sd: float, decay_s: float) -> "KalmanState":
        """Return the state some time later.

        Args:
            elapsed_s: Seconds, not negative.
            speed_sd: Standard deviation of the speed if nothing was measured for long.
            decay_s: Time constant with which the speed decays.
        """
        decayed = -expm1(-elapsed_s / decay_s)
        kept = 1.0 - decayed
        travel_s = decay_s * decayed
        drift = 2 * speed_sd**2 * decay_s * (elapsed_s - 2 * travel_s + decay_s * decayed * (1 + kept) / 2)
        return KalmanState(
            position=self.position + travel_s * self.speed,
            speed=kept * self.speed,
            position_variance=self.position_variance
            + 2 * travel_s * self.covariance
            + travel_s**2 * self.speed_variance
            + max(0.0, drift),
            covariance=kept * (self.covariance + travel_s * self.speed_variance) + speed_sd**2 * decay_s * decayed**2,
            speed_variance=kept**2 * self.speed_variance + speed_sd**2 * decayed * (1 + kept),
        )

    def update(self, position: float, position_sd: float) -> "KalmanState":
        """Return the state after a measurement with this standard deviation."""
        total = self.position_variance + position_sd**2
        gain, speed_gain = self.position_variance / total, self.covariance / total
        innovation = position - self.position
        return KalmanState(
            position=self.position + gain * innovation,
            speed=self.speed + speed_gain * innovation,
            position_variance=(1 - gain) * self.position_variance,
            covariance=(1 - gain) * self.covariance,
            speed_variance=self.speed_variance - speed_gain * self.covariance,
        )


@dataclass(frozen=True)
class Motion:
    """A face's centre in pixels, the logarithm of its side, and the last box's width over height."""

    x: KalmanState
    y: KalmanState
    log_side: KalmanState
    aspect: float

    @staticmethod
    def initiate(box: Box, config: TrackerConfig) -> "Motion":
        """Return the motion after the first box."""
        x, y, side = _measure(box)
        return Motion(
            x=KalmanState.initiate(x, config.box_jitter * side, config.speed * side),
            y=KalmanState.initiate(y, config.box_jitter * side, config.speed * side),
            log_side=KalmanState.initiate(log(side), config.size_jitter, config.growth),
            aspect=_aspect(box),
        )

    @property
    def side(self) -> float:
        """Pixels: the root of the box's area."""
        return exp(self.log_side.position)

    def predict(self, elapsed_s: float, config: TrackerConfig) -> "Motion":
        """Return the motion some time later, not negative."""
        speed = config.speed * self.side
        return Motion(
            x=self.x.predict(elapsed_s, speed, config.speed_decay_s),
            y=self.y.predict(elapsed_s, speed, config.speed_decay_s),
            log_side=self.log_side.predict(elapsed_s, config.growth, config.speed_decay_s),
            aspect=self.aspect,
        )

    def update(self, box: Box, config: TrackerConfig) -> "Motion":
        """Return the motion, predicted for the time of a box, after that box."""
        x, y, side = _measure(box)
        return Motion(
            x=self.x.update(x, config.box_jitter * side),
            y=self.y.update(y, config.box_jitter * side),
            log_side=self.log_side.update(log(side), config.size_jitter),
            aspect=_aspect(box),
        )

    def to_box(self) -> Box:
        """Return the box at the current place, at least one pixel wide and high."""
        width, height = self.side * sqrt(self.aspect), self.side / sqrt(self.aspect)
        return Box(
            x=round(self.x.position - width / 2),
            y=round(self.y.position - height / 2),
            w=max(1, round(width)),
            h=max(1, round(height)),
        )


@dataclass(frozen=True)
class Distance:
    """The distance of a box from the prediction.

    Attributes:
        mahalanobis: Squared; three dimensions.
        log_spread: ln of the determinant of the covariance that it was measured with, in sides.
        iou: Intersection over union with the predicted box.
    """

    mahalanobis: float
    log_spread: float
    iou: float


def center_distance(motion: Motion, box: Box) -> float:
    """Return the distance of a box's centre from the predicted one, in sides of the face."""
    x, y, _ = _measure(box)
    return hypot(x - motion.x.position, y - motion.y.position) / motion.side


def distance(motion: Motion, box: Box, config: TrackerConfig) -> Distance:
    """Measure a box against a motion that was predicted for its time."""
    x, y, side = _measure(box)
    jitter = (config.box_jitter * motion.side) ** 2
    x_variance, y_variance = motion.x.position_variance + jitter, motion.y.position_variance + jitter
    size_variance = motion.log_side.position_variance + config.size_jitter**2
    dx, dy, growth = x - motion.x.position, y - motion.y.position, log(side) - motion.log_side.position
    return Distance(
        mahalanobis=dx**2 / x_variance + dy**2 / y_variance + growth**2 / size_variance,
        log_spread=log(x_variance) + log(y_variance) + log(size_variance) - 4 * motion.log_side.position,
        iou=iou(motion.to_box(), box),
    )


def _measure(box: Box) -> tuple[float, float, float]:
    return box.x + box.w / 2, box.y + box.h / 2, sqrt(max(1, box.w) * max(1, box.h))


def _aspect(box: Box) -> float:
    return max(1, box.w) / max(1, box.h)
