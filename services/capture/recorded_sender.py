"""The thread that publishes a recorded video's frames no faster than they are taken."""

import logging
import threading
from collections import deque

from services.capture.clock import Clock
from services.capture.intake import NumberedFrame
from services.capture.jpeg import NotEncodable, jpeg_of
from services.capture.line_limit import LineLimit
from services.capture.mailbox import Mailbox
from services.capture.public_text import unexpected
from services.capture.publishing import PublishError
from services.capture.rate_meter import RateMeter
from services.capture.sender import Outlet
from services.capture.tally import Tally
from services.contracts.frames import FrameMessage
from services.contracts.recorded import UNTAKEN_MOST

LOOK_S = 0.01
"""How often it looks whether frames were taken."""
RETRY_S = 0.1
WAITING_AFTER_S = 1.0
"""Nobody took a frame for this long: the camera waits."""

_log = logging.getLogger(__name__)


class RecordedSender(threading.Thread):
    """Publishes every frame once and in order, and again where Redis lost some before they were taken.

    Attributes:
        size: (width, height) of the last frame; (0, 0) before the first.
        delay_us: 0, since a recorded video's frames have no age.
    """

    def __init__(self, outlet: Outlet, mailbox: Mailbox[NumberedFrame], tally: Tally, clock: Clock) -> None:
        super().__init__(name=f"sender-{outlet.camera}", daemon=True)
        self.size = (0, 0)
        self.delay_us = 0
        self._outlet = outlet
        self._mailbox = mailbox
        self._tally = tally
        self._clock = clock
        self._rate = RateMeter(clock.monotonic())
        self._leave = threading.Event()
        self._playing = ""
        self._next: FrameMessage | None = None
        self._untaken: deque[FrameMessage] = deque()
        self._taken = 0
        self._moved_at = clock.monotonic()
        self._in_doubt = False
        self._failing = False
        self._lines = LineLimit()

    def run(self) -> None:
        """Publish frame by frame until told to finish."""
        while not self._leave.is_set():
            try:
                moved = self._step()
            except PublishError as error:
                self._note_failure(str(error))
                self._leave.wait(RETRY_S)
            except Exception as error:  # a dead thread would hide it
                self._note_failure(unexpected(error))
                self._leave.wait(RETRY_S)
            else:
                self._note_success()
                if not moved:
                    self._leave.wait(LOOK_S)

    def finish(self) -> None:
        """Make the thread leave; frames that weren't taken expire."""
        self._leave.set()

    def frames_per_second(self) -> float:
        """Return the rate of published frames over the last seconds."""
        return self._rate.per_second(self._clock.monotonic())

    @property
    def waiting(self) -> bool:
        """Whether frames are there that nobody takes."""
        return bool(self._untaken) and self._clock.monotonic() - self._moved_at > WAITING_AFTER_S

    @property
    def all_taken(self) -> bool:
        """Whether every frame that was read has been taken."""
        return self._taken + self._tally.dropped >= self._tally.read

    def _step(self) -> bool:
        """See what was taken and publish a frame, if there is one and room for it; tell whether one was."""
        if self._untaken:
            self._see_what_was_taken()
        if self._next is None:
            self._next = self._take_message()
        if self._next is None or len(self._untaken) >= UNTAKEN_MOST:
            return False
        self._publish(self._next)
        return True

    def _see_what_was_taken(self) -> None:
        published = self._outlet.publisher.look(self._outlet.camera)
        if published.taken is not None:
            while self._untaken and published.taken.includes(self._playing, self._untaken[0].seq):
                self._untaken.popleft()
                self._taken += 1
                self._moved_at = self._clock.monotonic()
        if self._in_doubt or published.held < len(self._untaken):
            self._outlet.publisher.replace(self._outlet.camera, tuple(self._untaken))
            self._in_doubt = False

    def _take_message(self) -> FrameMessage | None:
        numbered = self._mailbox.take_now()
        if numbered is None:
            return None
        frame = numbered.frame
        try:
            jpeg = jpeg_of(frame, self._outlet.jpeg_quality)
        except Exception as error:  # whatever it is, the next frame may pass, and a dead thread would hide it
            why = str(error) if isinstance(error, NotEncodable) else unexpected(error)
            self._say(logging.WARNING, f"frame {numbered.seq} is left out: {why}")
            self._tally.frame_dropped()
            return None
        self.size = (frame.width, frame.height)
        return FrameMessage(jpeg, frame.captured_at_us, 0, frame.width, frame.height, numbered.seq, frame.playing)

    def _publish(self, message: FrameMessage) -> None:
        if message.playing != self._playing:
            self._outlet.publisher.begin(self._outlet.camera)
            self._playing = message.playing
            self._taken += len(self._untaken)  # of a playing that is over
            self._untaken.clear()
        self._untaken.append(message)
        self._next = None
        self._moved_at = self._clock.monotonic()
        self._tally.frame_published()
        self._rate.count(self._moved_at)
        try:
            self._outlet.publisher.publish(self._outlet.camera, message)
        except PublishError:
            self._in_doubt = True  # Redis may have taken it nevertheless
            raise

    def _note_failure(self, why: str) -> None:
        if not self._failing:
            self._failing = True
            self._say(logging.WARNING, f"waits for Redis: {why}")

    def _note_success(self) -> None:
        if self._failing:
            self._failing = False
            self._say(logging.INFO, "Redis is back")

    def _say(self, level: int, text: str) -> None:
        """Log a line; where the same happens again and again, most of them at DEBUG."""
        _log.log(
            level if self._lines.admits(self._clock.monotonic()) else logging.DEBUG, "%s: %s", self._outlet.camera, text
        )
