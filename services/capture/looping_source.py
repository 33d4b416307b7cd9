"""A file that starts again at its end."""

from collections.abc import Callable

from services.capture.frame import Frame
from services.capture.sources import FrameSource, SourceEnded, SourceError


class LoopingSource:
    """Opens a source anew whenever it ends: seeking back to the start isn't exact in every format."""

    def __init__(self, open_again: Callable[[], FrameSource]) -> None:
        self._open_again = open_again
        self._source = open_again()

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            SourceError: The file can't be read, or is empty.
        """
        try:
            return self._source.read()
        except SourceEnded:
            self._source.close()
            self._source = self._open_again()
        try:
            return self._source.read()
        except SourceEnded as end:
            raise SourceError("the file has no frames") from end

    def close(self) -> None:
        """Close the file."""
        self._source.close()
