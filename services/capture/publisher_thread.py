"""The thread that encodes a camera's frames as JPEG and publishes them, and the interfaces that it publishes to."""

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from services.capture.frame_buffer import FrameSlot, NumberedFrame
from services.capture.redaction import describe_unexpected
from services.capture.sources.jpeg import EncodeError, encode_jpeg
from services.capture.stats import CameraStats, RateMeter
from services.contracts.cameras import CameraStatus
from services.contracts.frames import FrameMessage
from services.runtime.clock import Clock
from services.runtime.logs import LineQuota

MAX_LOG_LINES = 10
"""Lines that one thread of a camera may log in ``LOG_PERIOD_S``; further lines are logged at DEBUG."""
LOG_PERIOD_S = 60.0

_log = logging.getLogger(__name__)


class PublishError(Exception):
    """Redis is unreachable or rejected a command. The message contains no password."""


class FramePublisher(Protocol):
    """Publishes frames. Safe to share among threads; a call takes a few seconds at most."""

    def publish(self, camera_id: str, message: FrameMessage) -> None:
        """Publish a frame as the camera's newest.

        Raises:
            PublishError: The frame was not published.
        """


class StatusStore(Protocol):
    """Stores the statuses of cameras. Safe to share among threads."""

    def put_statuses(self, statuses: Mapping[str, CameraStatus]) -> None:
        """Store statuses by camera id, and renew their expiry.

        Raises:
            PublishError: The statuses were not stored.
        """

    def delete_statuses(self, camera_ids: Iterable[str]) -> None:
        """Delete the statuses of cameras that stop, so that they are offline at once.

        Raises:
            PublishError: The statuses were not deleted; they expire.
        """

    def ping(self) -> None:
        """Check that Redis responds.

        Raises:
            PublishError: It doesn't.
        """

    def close(self) -> None:
        """Close all connections."""


class Publisher(FramePublisher, StatusStore, Protocol):
    """Publishes frames and stores statuses."""


@dataclass(frozen=True)
class PublishTarget:
    """The destination of one camera's frames, and their JPEG quality (1 to 100)."""

    camera_id: str
    publisher: FramePublisher
    jpeg_quality: int


class PublisherThread(threading.Thread):
    """Publishes frames until the slot is closed and empty.

    A frame that can't be published is dropped and counted. It isn't retried, since the next frame is newer.

    Attributes:
        size: (width, height) of the last frame; (0, 0) before the first.
        delay_us: Microseconds from the grab of the last frame until it was published.
    """

    def __init__(
        self,
        target: PublishTarget,
        slot: FrameSlot[NumberedFrame],
        stats: CameraStats,
        clock: Clock = time.monotonic,
    ) -> None:
        super().__init__(name=f"publisher-{target.camera_id}", daemon=True)
        self.size = (0, 0)
        self.delay_us = 0
        self._target = target
        self._slot = slot
        self._stats = stats
        self._log_quota = LineQuota(MAX_LOG_LINES, LOG_PERIOD_S)
        self._clock = clock
        self._rate = RateMeter(clock())
        self._failing = False

    def run(self) -> None:
        """Publish frame by frame."""
        while (numbered := self._slot.take()) is not None:
            try:
                self._publish(numbered)
            except (PublishError, EncodeError) as error:
                self._on_failure(str(error))
            except Exception as error:  # the next frame may succeed, and the thread must not end
                self._on_failure(describe_unexpected(error))
            else:
                self._on_success()

    def finish(self) -> None:
        """Make the thread exit after the frame in the slot."""
        self._slot.close()

    def frames_per_second(self) -> float:
        """Return the rate of published frames over the last seconds."""
        return self._rate.per_second(self._clock())

    def _publish(self, numbered: NumberedFrame) -> None:
        frame = numbered.frame
        self.size = (frame.width, frame.height)
        jpeg = encode_jpeg(frame, self._target.jpeg_quality)
        self.delay_us = round((self._clock() - frame.grabbed_at) * 1e6)
        self._target.publisher.publish(
            self._target.camera_id,
            FrameMessage(jpeg, frame.captured_at_us, self.delay_us, frame.width, frame.height, numbered.seq),
        )

    def _on_failure(self, reason: str) -> None:
        self._stats.count_dropped()
        if not self._failing:  # log the first failure only
            self._failing = True
            self._log_limited(logging.WARNING, f"dropping frames: {reason}")

    def _on_success(self) -> None:
        self._stats.count_published()
        self._rate.count(self._clock())
        if self._failing:
            self._failing = False
            self._log_limited(logging.INFO, "publishing frames again")

    def _log_limited(self, level: int, text: str) -> None:
        """Log a line, at DEBUG if the thread has logged too many."""
        if not self._log_quota.allow(self._clock()):
            level = logging.DEBUG
        _log.log(level, "%s: %s", self._target.camera_id, text)
