"""A camera's counters, shared by its threads."""

from threading import Lock


class Tally:
    """Counts frames and reopenings since capture started. Safe to share among threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._read = 0
        self._published = 0
        self._dropped = 0
        self._reconnects = 0

    def frame_read(self) -> int:
        """Count a frame that the source gave; return its number, from 1."""
        with self._lock:
            self._read += 1
            return self._read

    def frame_published(self) -> None:
        """Count a frame that Redis took."""
        with self._lock:
            self._published += 1

    def frame_dropped(self) -> None:
        """Count a frame that was read and will not be published."""
        with self._lock:
            self._dropped += 1

    def reconnected(self) -> None:
        """Count a source that gives frames again."""
        with self._lock:
            self._reconnects += 1

    @property
    def read(self) -> int:
        """Frames that the source gave."""
        return self._read

    @property
    def published(self) -> int:
        """Frames that Redis took."""
        return self._published

    @property
    def dropped(self) -> int:
        """Frames that were read and not published."""
        return self._dropped

    @property
    def reconnects(self) -> int:
        """How often the source was opened anew and gave frames."""
        return self._reconnects
