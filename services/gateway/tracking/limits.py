"""Every number that following faces depends on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrackingLimits:
    """How faces are followed; a side is the face box's.

    Attributes:
        max_missed_s: A face unseen for longer has left. Half a second of misses is longer between the two sightings.
    """

    max_missed_s: float = 1.0


DEFAULT_LIMITS = TrackingLimits()
