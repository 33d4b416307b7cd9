"""Reads a recorded video frame by frame, each with its own time."""

import math
import uuid
from typing import Protocol

import cv2
import numpy as np

from services.capture.clock import Clock
from services.capture.frame import Frame
from services.capture.opencv_source import Capture, require_moderate_size
from services.capture.sources import SourceEnded, SourceError

_USUAL_FPS = 25.0


class TimedCapture(Capture, Protocol):
    """A capture that knows times too."""

    def get(self, propId: int, /) -> float:
        """Return a property, such as the presentation time of the frame that was grabbed."""


class RecordedSource:
    """Gives every frame that can be decoded, with the time since the video's start as its time of capture.

    Nothing in a frame depends on when it is read, so that two playings are the same.
    """

    def __init__(self, capture: TimedCapture, clock: Clock) -> None:
        """Read from an opened file."""
        self._capture = capture
        self._clock = clock
        self._playing = uuid.uuid4().hex
        self._frame_us = _frame_us(capture.get(cv2.CAP_PROP_FPS))
        self._position_us = -1
        self._decoded = False

    def read(self) -> Frame:
        """Return the next frame; those that can't be decoded are left out, each time the same.

        Raises:
            SourceEnded: There are no more.
            SourceError: There were none at all, or one is too large.
        """
        while self._capture.grab():
            self._advance()
            retrieved, data = self._capture.retrieve()
            if not retrieved or data is None:
                continue
            pixels = np.asarray(data, dtype=np.uint8)
            require_moderate_size(pixels)
            self._decoded = True
            return Frame(
                pixels,
                width=pixels.shape[1],
                height=pixels.shape[0],
                grabbed_at=self._clock.monotonic(),
                captured_at_us=self._position_us,
                playing=self._playing,
            )
        if not self._decoded:
            raise SourceError("no frame can be decoded")
        raise SourceEnded

    def close(self) -> None:
        """Close the file."""
        self._capture.release()

    def _advance(self) -> None:
        stated_ms = self._capture.get(cv2.CAP_PROP_POS_MSEC)
        stated_us = round(stated_ms * 1000) if math.isfinite(stated_ms) else -1
        # Some files state no times, or some twice; trackers need time to pass.
        fallback_us = self._position_us + self._frame_us if self._position_us >= 0 else 0
        self._position_us = stated_us if stated_us > self._position_us else fallback_us


def _frame_us(fps: float) -> int:
    return round(1e6 / (fps if 0.1 <= fps <= 1000 else _USUAL_FPS))
