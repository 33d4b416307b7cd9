"""The thread that opens a source and reads it until it ends, fails or is abandoned."""

import threading
import time
from collections.abc import Callable

from services.capture.frame_buffer import FrameBuffer
from services.capture.redaction import describe_unexpected
from services.capture.sources.base import FrameSource, SourceEndedError, SourceError
from services.runtime.clock import Clock

THREAD_PREFIX = "reader-"


class Reader(threading.Thread):
    """Reads a source that it opens once.

    A call into OpenCV may never return and can't be interrupted. So the thread is a daemon that can be abandoned: its
    late frames are ignored, and it closes its source if the call ever returns.

    Attributes:
        delivered: Whether the source delivered a frame.
        reached_end: Whether the source came to its end.
        error: Why reading stopped, or an empty string.
    """

    def __init__(
        self,
        camera_id: str,
        open_source: Callable[[], FrameSource],
        buffer: FrameBuffer,
        wakeup: threading.Event,
        clock: Clock = time.monotonic,
    ) -> None:
        """Prepare to read. ``wakeup`` is set at the first frame and when the thread ends."""
        super().__init__(name=f"{THREAD_PREFIX}{camera_id}", daemon=True)
        self.delivered = False
        self.reached_end = False
        self.error = ""
        self._open_source = open_source
        self._buffer = buffer
        self._clock = clock
        self._wakeup = wakeup
        self._abandoned = threading.Event()
        self._finished = threading.Event()
        self._blocked_since: float | None = clock()

    def run(self) -> None:
        """Open the source and read it."""
        try:
            source = self._open_source()
            try:
                self._read(source)
            finally:
                source.close()
        except SourceEndedError:
            self.reached_end = True
        except SourceError as error:
            self.error = str(error)
        except Exception as error:  # a driver may raise anything; the camera is opened again
            self.error = describe_unexpected(error)
        finally:
            self._finished.set()
            self._wakeup.set()

    def abandon(self) -> None:
        """Make the thread exit as soon as the source returns, and ignore its further frames."""
        self._abandoned.set()

    @property
    def finished(self) -> bool:
        """Whether reading is over and the source is closed."""
        return self._finished.is_set()

    def blocked_s(self, now_s: float) -> float:
        """Return for how many seconds the source has blocked, in opening or in reading."""
        since = self._blocked_since
        return 0.0 if since is None else now_s - since

    def _read(self, source: FrameSource) -> None:
        while not self._abandoned.is_set():
            if self.delivered:
                self._buffer.wait_for_turn(self._abandoned)
                self._blocked_since = self._clock()
            frame = source.read()
            self._blocked_since = None  # waiting for the buffer isn't a stall
            if self._abandoned.is_set():
                return
            if not self.delivered:
                self.delivered = True
                self._wakeup.set()
            self._buffer.put(frame, self._abandoned)


def has_stuck_readers() -> bool:
    """Return whether a reader of this process is still running."""
    return any(thread.name.startswith(THREAD_PREFIX) for thread in threading.enumerate())
