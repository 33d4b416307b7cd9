"""The only file that reads from OpenCV's ``VideoCapture``."""

from typing import Any, Protocol

import numpy as np

from services.capture.clock import Clock
from services.capture.frame import Frame, Pixels
from services.capture.jpeg import MAX_PIXELS, jpeg_size, starts_as_jpeg
from services.capture.sources import SourceEnded, SourceError

BAD_FRAMES_BORNE = 10
"""Over USB and over the air a frame arrives broken now and then; that alone is no reason to start over."""
FRAMES_PROBED = 3


class Capture(Protocol):
    """What we use of ``cv2.VideoCapture``."""

    def grab(self) -> bool:
        """Fetch the next frame without decoding it."""

    def retrieve(self) -> tuple[bool, Any]:
        """Decode the frame that was grabbed."""

    def set(self, propId: int, value: float, /) -> bool:
        """Ask the driver for something; it may decline."""

    def release(self) -> None:
        """Close the device, connection or file."""


class OpenCvSource:
    """Reads decoded frames."""

    def __init__(self, capture: Capture, clock: Clock, ends: bool) -> None:
        """Read from an opened capture; ``ends`` says that a missing frame is the end and no failure."""
        self._capture = capture
        self._clock = clock
        self._ends = ends

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            SourceEnded: The file has no more.
            SourceError: The camera gave none, one that is too large, or many in a row that can't be decoded.
        """
        for _ in range(BAD_FRAMES_BORNE):
            pixels, grabbed_at, captured_at_us = _grab(self._capture, self._clock, self._ends)
            if pixels is not None and pixels.ndim == 3 and pixels.size > 0:
                require_moderate_size(pixels)
                return Frame(pixels, pixels.shape[1], pixels.shape[0], grabbed_at, captured_at_us)
        raise SourceError("the frames can't be decoded")

    def close(self) -> None:
        """Release the capture."""
        self._capture.release()


class MjpegSource:
    """Passes on the JPEGs that a webcam makes, undecoded."""

    def __init__(self, capture: Capture, clock: Clock, size: tuple[int, int]) -> None:
        """Read from a capture that gives JPEG bytes of this (width, height)."""
        self._capture = capture
        self._clock = clock
        self._size = size

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            SourceError: The camera gave none, or many in a row that are no JPEG.
        """
        for _ in range(BAD_FRAMES_BORNE):
            data, grabbed_at, captured_at_us = _grab(self._capture, self._clock, ends=False)
            if data is not None and starts_as_jpeg(jpeg := data.tobytes()):
                return Frame(jpeg, *self._size, grabbed_at, captured_at_us)
        raise SourceError("the camera no longer gives JPEG")

    def close(self) -> None:
        """Release the capture."""
        self._capture.release()


def require_moderate_size(pixels: Pixels) -> None:
    """Make sure that a picture isn't larger than the rest of the system takes.

    Raises:
        SourceError: It has more than ``MAX_PIXELS``.
    """
    if pixels.shape[0] * pixels.shape[1] > MAX_PIXELS:
        raise SourceError(f"the picture has more than {MAX_PIXELS // 10**6} megapixels")


def first_jpeg_size(capture: Capture) -> tuple[int, int] | None:
    """Grab a few frames, undecoded, and return (width, height) of the first that is a JPEG, if any."""
    for _ in range(FRAMES_PROBED):
        retrieved, data = capture.retrieve() if capture.grab() else (False, None)
        size = jpeg_size(np.asarray(data).tobytes()) if retrieved and data is not None else None
        if size is not None:
            return size
    return None


def _grab(capture: Capture, clock: Clock, ends: bool) -> tuple[Pixels | None, float, int]:
    """Return a frame, or none where it can't be decoded, and when it was grabbed.

    The moment is given in monotonic seconds and in Unix microseconds.
    """
    grabbed = capture.grab()
    grabbed_at, captured_at_us = clock.monotonic(), clock.unix_us()
    if not grabbed:
        if ends:
            raise SourceEnded
        raise SourceError("the source gives no more frames")
    retrieved, data = capture.retrieve()
    usable = retrieved and data is not None
    return np.asarray(data, dtype=np.uint8) if usable else None, grabbed_at, captured_at_us
