"""A frame on its way from the camera to Redis."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""[height, width, 3], blue, green, red."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame as its source gave it.

    Attributes:
        picture: Pixels, or the bytes of a JPEG that the camera made itself.
        width: Pixels.
        height: Pixels.
        grabbed_at: Monotonic seconds, right after the grab.
        captured_at_us: Unix microseconds at the same moment, by this host's clock.
    """

    picture: Pixels | bytes
    width: int
    height: int
    grabbed_at: float
    captured_at_us: int
