"""One camera: keeps its source open, gives up on it when it stalls, and knows its state."""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from services.capture.frame_buffer import Intake, Mailbox, NumberedFrame, intake_for
from services.capture.line_limit import LineLimit
from services.capture.publisher_thread import FramePublisher, Outlet, Sender
from services.capture.reader import Reader
from services.capture.redaction import shortened
from services.capture.sources.base import SourceOpener
from services.capture.sources.spec import NamedSource
from services.capture.stats import Tally
from services.contracts.cameras import CameraState, CameraStatus
from services.contracts.frames import MAX_DELAY_US
from services.runtime.clock import Clock


class Backoff:
    """Waits that double from ``min_s`` to ``max_s``, each shortened by up to a half.

    The random part keeps cameras that were lost together, say by a switch, from coming back together.
    """

    def __init__(self, min_s: float, max_s: float, random: Callable[[], float]) -> None:
        self._min_s = min_s
        self._max_s = max_s
        self._random = random
        self._ceiling_s = min_s

    def next_s(self) -> float:
        """Return the seconds to wait now, and wait longer the next time."""
        ceiling_s = self._ceiling_s
        self._ceiling_s = min(ceiling_s * 2, self._max_s)
        return ceiling_s * (0.5 + 0.5 * self._random())

    def reset(self) -> None:
        """Begin at ``min_s`` again."""
        self._ceiling_s = self._min_s


TRIES_BEFORE_FAILED = 3
MOST_GIVEN_UP = 3
FILE_ENDED = "the file ended"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CameraPolicy:
    """How a camera is run; see the settings of the same names."""

    fps: float
    jpeg_quality: int
    open_s: float
    stall_s: float
    reconnect_min_s: float
    reconnect_max_s: float


class Camera:
    """Runs one camera in three threads: this one watches, a reader reads, a sender publishes.

    The state is ``online`` from a source's first frame until it fails or stalls, and ``reconnecting``
    while it is opened. It is ``failed`` where the source never gave a frame in three tries, though tries
    go on, and ``ended`` where a file ended: then the camera is over.
    """

    def __init__(
        self,
        named: NamedSource,
        policy: CameraPolicy,
        opener: SourceOpener,
        publisher: FramePublisher,
        clock: Clock = time.monotonic,
    ) -> None:
        self.id = named.camera
        self._source = named.source
        self._policy = policy
        self._open = partial(opener, named.source)
        self._clock = clock
        self._tally = Tally()
        self._mailbox: Mailbox[NumberedFrame] = Mailbox()
        self._intake: Intake = intake_for(named.source, self._mailbox, self._tally, policy.fps, self._clock)
        outlet = Outlet(named.camera, publisher, policy.jpeg_quality)
        self._sender = Sender(outlet, self._mailbox, self._tally, self._clock)
        self._backoff = Backoff(policy.reconnect_min_s, policy.reconnect_max_s, random.random)
        self._watcher = threading.Thread(target=self._watch, name=f"camera-{named.camera}", daemon=True)
        self._stirred = threading.Event()
        self._stopping = threading.Event()
        self._reader: Reader | None = None
        self._given_up: list[Reader] = []
        self._failures = 0
        self._ever_online = False
        self._over = False
        self._last_error = ""
        self._lines = LineLimit()

    def start(self) -> None:
        """Start to capture; returns at once."""
        self._sender.start()
        self._watcher.start()

    def begin_stop(self) -> None:
        """Ask all threads to finish the frame in hand and leave; returns at once."""
        self._stopping.set()
        self._stirred.set()

    def join(self, timeout_s: float) -> None:
        """Wait until the threads have left, for this long at most."""
        deadline = self._clock() + timeout_s
        self._watcher.join(timeout_s / 2)
        if self._reader is not None:
            self._reader.join(timeout_s / 2)
        self._sender.finish()
        self._sender.join(max(deadline - self._clock(), 0.0))

    @property
    def state(self) -> CameraState:
        """Whether frames come."""
        reader = self._reader
        if self._over:
            return CameraState.ENDED
        if reader is not None and reader.delivered:
            return CameraState.ONLINE
        if not self._ever_online and self._failures >= TRIES_BEFORE_FAILED:
            return CameraState.FAILED
        return CameraState.RECONNECTING

    def status(self) -> CameraStatus:
        """Return the camera's heartbeat."""
        width, height = self._sender.size
        return CameraStatus(
            state=self.state,
            source=shortened(self._source.public_text),
            fps=self._sender.frames_per_second(),
            width=width,
            height=height,
            published=self._tally.published,
            dropped=self._tally.dropped,
            reconnects=self._tally.reconnects,
            last_error=self._last_error,
            delay_us=min(self._sender.delay_us, MAX_DELAY_US),
        )

    def _watch(self) -> None:
        while not self._stopping.is_set():
            if self._given_up_are_many():
                self._stopping.wait(self._backoff.next_s())
                continue
            reader = Reader(self.id, self._open, self._intake, self._clock, self._stirred)
            self._reader = reader
            reader.start()
            self._watch_reader(reader)
            if self._stopping.is_set():
                return
            self._reader = None
            if reader.ended:
                self._note_end()
                return
            self._note_failure(reader)
            self._stopping.wait(self._backoff.next_s())

    def _watch_reader(self, reader: Reader) -> None:
        """Return when the reader has finished, stalled, or is to stop; it is given up then."""
        online = False
        while True:
            self._stirred.clear()
            if reader.delivered and not online:
                online = True
                self._note_online()
            if reader.finished or self._stopping.is_set():
                break
            limit_s = self._policy.stall_s if online else self._policy.open_s
            left_s = limit_s - reader.silent_for(self._clock())
            if left_s <= 0:
                reader.error = f"no frame for {limit_s:g} s"
                self._given_up.append(reader)
                break
            self._stirred.wait(left_s)
        reader.give_up()

    def _given_up_are_many(self) -> bool:
        """Tell whether so many readers are stuck that one more would only be the next to get stuck."""
        self._given_up = [reader for reader in self._given_up if not reader.finished]
        return len(self._given_up) >= MOST_GIVEN_UP

    def _note_online(self) -> None:
        if self._ever_online:
            self._tally.reconnected()
        self._ever_online = True
        self._backoff.reset()
        self._say(logging.INFO, f"online, {self._source.public_text}")

    def _note_end(self) -> None:
        self._over = True
        self._last_error = FILE_ENDED
        _log.info("%s: %s", self.id, FILE_ENDED)

    def _note_failure(self, reader: Reader) -> None:
        before = (self._last_error, self.state)
        self._failures += 1
        self._last_error = shortened(reader.error)
        news = reader.delivered or before != (self._last_error, self.state)
        # A camera that stays away says so once.
        self._say(logging.WARNING if news else logging.DEBUG, f"{self._last_error}; {self.state.value}")

    def _say(self, level: int, text: str) -> None:
        """Log a line; where a camera comes and goes all the time, most of them at DEBUG."""
        if level > logging.DEBUG and not self._lines.admits(self._clock()):
            level = logging.DEBUG
        _log.log(level, "%s: %s", self.id, text)
