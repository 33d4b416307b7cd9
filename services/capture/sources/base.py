"""Frames, and the interface of every source of frames."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.capture.sources.spec import SourceSpec

Pixels = NDArray[np.uint8]
"""[height, width, 3], blue, green, red."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame as its source delivered it.

    Attributes:
        picture: Pixels, or the bytes of a JPEG that the camera made.
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


class SourceError(Exception):
    """A source can't be opened or read; opening it again may help."""


class SourceEndedError(Exception):
    """A file has no more frames."""


class FrameSource(Protocol):
    """An opened source. Used by one thread; each call may block until a frame arrives."""

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            SourceEndedError: There are no more frames.
            SourceError: The source delivers no frame.
        """

    def close(self) -> None:
        """Close the device, connection or file."""


SourceFactory = Callable[[SourceSpec], FrameSource]
"""Opens a source; raises ``SourceError`` if that fails."""
