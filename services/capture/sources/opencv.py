"""The only file that reads from OpenCV's ``VideoCapture``."""

import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from services.capture.jpeg import MAX_PIXELS, jpeg_size, starts_as_jpeg
from services.capture.sources.base import Frame, Pixels, SourceEnded, SourceError
from services.capture.sources.spec import SourceKind
from services.runtime.clock import Clock, WallClock, unix_us

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

    def __init__(self, capture: Capture, clock: Clock, ends: bool, wall_clock: WallClock = unix_us) -> None:
        """Read from an opened capture; ``ends`` says that a missing frame is the end and no failure."""
        self._capture = capture
        self._clock = clock
        self._ends = ends
        self._wall_clock = wall_clock

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            SourceEnded: The file has no more.
            SourceError: The camera gave none, one that is too large, or many in a row that can't be decoded.
        """
        for _ in range(BAD_FRAMES_BORNE):
            pixels, grabbed_at, captured_at_us = _grab(self._capture, self._clock, self._wall_clock, self._ends)
            if pixels is not None and pixels.ndim == 3 and pixels.size > 0:
                require_moderate_size(pixels)
                return Frame(pixels, pixels.shape[1], pixels.shape[0], grabbed_at, captured_at_us)
        raise SourceError("the frames can't be decoded")

    def close(self) -> None:
        """Release the capture."""
        self._capture.release()


class MjpegSource:
    """Passes on the JPEGs that a webcam makes, undecoded."""

    def __init__(self, capture: Capture, clock: Clock, size: tuple[int, int], wall_clock: WallClock = unix_us) -> None:
        """Read from a capture that gives JPEG bytes of this (width, height)."""
        self._capture = capture
        self._clock = clock
        self._size = size
        self._wall_clock = wall_clock

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            SourceError: The camera gave none, or many in a row that are no JPEG.
        """
        for _ in range(BAD_FRAMES_BORNE):
            data, grabbed_at, captured_at_us = _grab(self._capture, self._clock, self._wall_clock, ends=False)
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


def _grab(capture: Capture, clock: Clock, wall_clock: WallClock, ends: bool) -> tuple[Pixels | None, float, int]:
    """Return a frame, or none where it can't be decoded, and when it was grabbed.

    The moment is given in monotonic seconds and in Unix microseconds.
    """
    grabbed = capture.grab()
    grabbed_at, captured_at_us = clock(), wall_clock()
    if not grabbed:
        if ends:
            raise SourceEnded
        raise SourceError("the source gives no more frames")
    retrieved, data = capture.retrieve()
    usable = retrieved and data is not None
    return np.asarray(data, dtype=np.uint8) if usable else None, grabbed_at, captured_at_us


_WEBCAM_BACKENDS = {
    "linux": (cv2.CAP_V4L2,),
    "darwin": (cv2.CAP_AVFOUNDATION,),
    "win32": (cv2.CAP_DSHOW, cv2.CAP_MSMF),
}


def backends_for(kind: SourceKind, platform: str) -> tuple[int, ...]:
    """Return the backends to try, the best first.

    Args:
        kind: Anything but the demo feed.
        platform: As ``sys.platform`` names it.
    """
    if kind in (SourceKind.STREAM, SourceKind.FILE):
        return (cv2.CAP_FFMPEG,)
    return _WEBCAM_BACKENDS.get(platform, (cv2.CAP_ANY,))


def opening_parameters(kind: SourceKind, open_s: float, stall_s: float) -> list[int]:
    """Return what must be said while opening, as OpenCV's flat list of names and values.

    Args:
        kind: Anything but the demo feed.
        open_s: Seconds that a stream may take to open.
        stall_s: Seconds that a stream may take for a frame.
    """
    if kind is not SourceKind.STREAM:
        return []
    return [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(open_s * 1000)),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(stall_s * 1000)),
        # Several threads decode several frames at once, which holds each of them back.
        *(cv2.CAP_PROP_N_THREADS, 1),
    ]


MAX_ALLOCATION_BYTES = 128 * 1024 * 1024
"""A decoded picture of 40 megapixels takes 120 MB."""


def limit_ffmpeg_memory() -> bool:
    """Set the bound for this process; tell whether the FFmpeg that OpenCV uses was found."""
    for path in _loaded_libraries():
        try:
            limit = ctypes.CDLL(str(path)).av_max_alloc
        except (OSError, AttributeError):
            continue
        limit.argtypes, limit.restype = [ctypes.c_size_t], None
        limit(MAX_ALLOCATION_BYTES)
        return True
    return False


def _loaded_libraries() -> Iterator[Path]:
    """Yield the files that may be the libavutil that ``cv2`` was linked with."""
    if sys.platform.startswith("linux"):
        mapped = {line.split(maxsplit=5)[-1].strip() for line in Path("/proc/self/maps").read_text().splitlines()}
        yield from (Path(name) for name in sorted(mapped) if Path(name).name.startswith("libavutil"))
    package = Path(cv2.__file__).parent
    yield from sorted((package / ".dylibs").glob("libavutil*"))
