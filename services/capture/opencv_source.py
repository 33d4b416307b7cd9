"""The only file that reads from OpenCV's ``VideoCapture``."""

from typing import Any, Protocol

import numpy as np

from services.capture.clock import Clock
from services.capture.frame import Frame, Pixels
from services.capture.jpeg import jpeg_size, starts_as_jpeg
from services.capture.sources import SourceEnded, SourceError


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
            SourceError: The camera gave none.
        """
        pixels, grabbed_at, captured_at_us = _grab(self._capture, self._clock, self._ends)
        if pixels.ndim != 3 or 0 in pixels.shape:
            raise SourceError(f"a frame of shape {pixels.shape} is no colour picture")
        return Frame(pixels, pixels.shape[1], pixels.shape[0], grabbed_at, captured_at_us)

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
            SourceError: The camera gave none, or something else than a JPEG.
        """
        data, grabbed_at, captured_at_us = _grab(self._capture, self._clock, ends=False)
        jpeg = data.tobytes()
        if not starts_as_jpeg(jpeg):
            raise SourceError("the camera no longer gives JPEG")
        return Frame(jpeg, *self._size, grabbed_at, captured_at_us)

    def close(self) -> None:
        """Release the capture."""
        self._capture.release()


def first_jpeg_size(capture: Capture) -> tuple[int, int] | None:
    """Grab one frame, undecoded, and return (width, height) where it is a JPEG that can be decoded."""
    if not capture.grab():
        return None
    retrieved, data = capture.retrieve()
    return jpeg_size(np.asarray(data).tobytes()) if retrieved and data is not None else None


def _grab(capture: Capture, clock: Clock, ends: bool) -> tuple[Pixels, float, int]:
    """Return a frame and when it was grabbed: monotonic seconds and Unix microseconds."""
    grabbed = capture.grab()
    grabbed_at, captured_at_us = clock.monotonic(), clock.unix_us()
    retrieved, data = capture.retrieve() if grabbed else (False, None)
    if not retrieved or data is None:
        if ends and not grabbed:
            raise SourceEnded
        raise SourceError("the source gives no more frames")
    return np.asarray(data, dtype=np.uint8), grabbed_at, captured_at_us
