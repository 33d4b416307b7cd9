"""The thread that takes a camera's frames from the mailbox, makes them JPEG and publishes them."""

import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from services.capture.frame_buffer import Mailbox, NumberedFrame
from services.capture.jpeg import NotEncodable, jpeg_of
from services.capture.line_limit import LineLimit
from services.capture.redaction import unexpected
from services.capture.stats import RateMeter, Tally
from services.contracts.cameras import CameraStatus
from services.contracts.frames import FrameMessage
from services.runtime.clock import Clock


class PublishError(Exception):
    """Redis can't be reached or refused; the message holds no password."""


class FramePublisher(Protocol):
    """Takes frames. Safe to share among threads; no call lasts longer than a few seconds."""

    def publish(self, camera: str, message: FrameMessage) -> None:
        """Make this the camera's newest frame.

        Raises:
            PublishError: It isn't.
        """


class StatusBoard(Protocol):
    """Takes what is to be known of cameras. Safe to share among threads."""

    def announce(self, statuses: Mapping[str, CameraStatus]) -> None:
        """Renew the statuses of cameras, by id.

        Raises:
            PublishError: They aren't renewed.
        """

    def withdraw(self, cameras: Iterable[str]) -> None:
        """Remove the statuses of cameras that stop, so that they show as gone at once.

        Raises:
            PublishError: They run out by themselves instead.
        """

    def ping(self) -> None:
        """Look whether Redis answers.

        Raises:
            PublishError: It doesn't.
        """

    def close(self) -> None:
        """Close all connections."""


class Publisher(FramePublisher, StatusBoard, Protocol):
    """Both."""


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outlet:
    """Where one camera's frames go, and how good their JPEGs are (1 to 100)."""

    camera: str
    publisher: FramePublisher
    jpeg_quality: int


class Sender(threading.Thread):
    """Publishes until the mailbox is closed and empty.

    A frame that can't be published is dropped and counted; the next one is the next try.

    Attributes:
        size: (width, height) of the last frame; (0, 0) before the first.
        delay_us: Microseconds from the grab of the last frame until it was published.
    """

    def __init__(self, outlet: Outlet, mailbox: Mailbox[NumberedFrame], tally: Tally, clock: Clock) -> None:
        super().__init__(name=f"sender-{outlet.camera}", daemon=True)
        self.size = (0, 0)
        self.delay_us = 0
        self._outlet = outlet
        self._mailbox = mailbox
        self._tally = tally
        self._clock = clock
        self._rate = RateMeter(clock())
        self._failing = False
        self._lines = LineLimit()

    def run(self) -> None:
        """Publish frame by frame."""
        while (numbered := self._mailbox.take()) is not None:
            try:
                self._publish(numbered)
            except (PublishError, NotEncodable) as error:
                self._note_failure(str(error))
            except Exception as error:  # whatever it is, the next frame may pass, and a dead thread would hide it
                self._note_failure(unexpected(error))
            else:
                self._note_success()

    def finish(self) -> None:
        """Make the thread leave once what is in the mailbox was published."""
        self._mailbox.close()

    def frames_per_second(self) -> float:
        """Return the rate of published frames over the last seconds."""
        return self._rate.per_second(self._clock())

    def _publish(self, numbered: NumberedFrame) -> None:
        frame = numbered.frame
        self.size = (frame.width, frame.height)
        jpeg = jpeg_of(frame, self._outlet.jpeg_quality)
        self.delay_us = round((self._clock() - frame.grabbed_at) * 1e6)
        self._outlet.publisher.publish(
            self._outlet.camera,
            FrameMessage(jpeg, frame.captured_at_us, self.delay_us, frame.width, frame.height, numbered.seq),
        )

    def _note_failure(self, why: str) -> None:
        self._tally.frame_dropped()
        if not self._failing:  # once, not thirty times a second
            self._failing = True
            self._say(logging.WARNING, f"frames are dropped: {why}")

    def _note_success(self) -> None:
        self._tally.frame_published()
        self._rate.count(self._clock())
        if self._failing:
            self._failing = False
            self._say(logging.INFO, "frames are published again")

    def _say(self, level: int, text: str) -> None:
        """Log a line; where every other frame fails, most of them at DEBUG."""
        _log.log(level if self._lines.admits(self._clock()) else logging.DEBUG, "%s: %s", self._outlet.camera, text)
