"""The thread that opens a source and reads it until it ends, fails or is given up."""

import threading
from collections.abc import Callable

from services.capture.frame_buffer import Intake
from services.capture.redaction import unexpected
from services.capture.sources.base import FrameSource, SourceEnded, SourceError
from services.runtime.clock import Clock

THREAD_PREFIX = "reader-"


class Reader(threading.Thread):
    """Reads one opening of a source.

    A call into OpenCV may never return and can't be interrupted. Hence the thread is a daemon: whoever
    gives it up goes on without it, its late frames are ignored, and it closes its own source if it ever
    gets that far.

    Attributes:
        delivered: Whether a frame came.
        ended: Whether the source came to its end.
        error: Why reading stopped, or an empty string.
    """

    def __init__(
        self,
        camera: str,
        open_source: Callable[[], FrameSource],
        intake: Intake,
        clock: Clock,
        stirred: threading.Event,
    ) -> None:
        """Prepare to read; ``stirred`` is set when the first frame came and when the thread ends."""
        super().__init__(name=f"{THREAD_PREFIX}{camera}", daemon=True)
        self.delivered = False
        self.ended = False
        self.error = ""
        self._open_source = open_source
        self._intake = intake
        self._clock = clock
        self._stirred = stirred
        self._leave = threading.Event()
        self._finished = threading.Event()
        self._busy_since: float | None = clock()

    def run(self) -> None:
        """Open the source and read it."""
        try:
            source = self._open_source()
            try:
                self._read_on(source)
            finally:
                source.close()
        except SourceEnded:
            self.ended = True
        except SourceError as error:
            self.error = str(error)
        except Exception as error:  # whatever a driver raises, the camera is opened anew
            self.error = unexpected(error)
        finally:
            self._finished.set()
            self._stirred.set()

    def give_up(self) -> None:
        """Make the thread leave as soon as the source lets it, and ignore what still comes."""
        self._leave.set()

    @property
    def finished(self) -> bool:
        """Whether reading is over and the source is closed."""
        return self._finished.is_set()

    def silent_for(self, now: float) -> float:
        """Return for how many seconds the source has kept us waiting: in opening, or for a frame."""
        since = self._busy_since
        return 0.0 if since is None else now - since

    def _read_on(self, source: FrameSource) -> None:
        while not self._leave.is_set():
            if self.delivered:
                self._intake.ready_for_next(self._leave)
                self._busy_since = self._clock()
            frame = source.read()
            self._busy_since = None  # from here on we make the source wait, which is no stall
            if self._leave.is_set():
                return
            if not self.delivered:
                self.delivered = True
                self._stirred.set()
            self._intake.accept(frame, self._leave)


def readers_left() -> bool:
    """Tell whether a reader is still stuck in a call."""
    return any(thread.name.startswith(THREAD_PREFIX) for thread in threading.enumerate())
