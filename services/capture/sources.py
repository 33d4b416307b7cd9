"""What every source of frames offers, and how it says that there are no more."""

from collections.abc import Callable
from typing import Protocol

from services.capture.frame import Frame
from services.capture.source_spec import SourceSpec


class SourceError(Exception):
    """A source can't be opened or read; opening it anew may help."""


class SourceEnded(Exception):
    """A file has no more frames."""


class FrameSource(Protocol):
    """An opened source. Used by one thread; each call may block until a frame comes."""

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            SourceEnded: There are no more.
            SourceError: No frame could be had.
        """

    def close(self) -> None:
        """Let go of the camera or connection."""


SourceOpener = Callable[[SourceSpec], FrameSource]
"""Opens a source; raises ``SourceError`` where that fails."""
