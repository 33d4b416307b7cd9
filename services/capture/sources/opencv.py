"""Reads webcams, streams and files with OpenCV's ``VideoCapture``."""

import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from services.capture.sources.base import Frame, Pixels, SourceEndedError, SourceError
from services.capture.sources.jpeg import MAX_PIXELS, is_jpeg, jpeg_size
from services.capture.sources.spec import SourceKind
from services.runtime.clock import Clock, WallClock, unix_us

MAX_BAD_FRAMES = 10
"""Broken frames in a row before a source fails. Single ones are common over USB and wireless links."""
PROBED_FRAMES = 3
MAX_ALLOCATION_BYTES = 128 * 1024 * 1024
"""Limit for one allocation of FFmpeg. A decoded picture of 40 megapixels takes 120 MB."""

_WEBCAM_BACKENDS = {
    "linux": (cv2.CAP_V4L2,),
    "darwin": (cv2.CAP_AVFOUNDATION,),
    "win32": (cv2.CAP_DSHOW, cv2.CAP_MSMF),
}


class Capture(Protocol):
    """The methods of ``cv2.VideoCapture`` that sources use."""

    def grab(self) -> bool:
        """Fetch the next frame without decoding it."""

    def retrieve(self) -> tuple[bool, Any]:
        """Decode the frame that was grabbed."""

    def set(self, prop: int, value: float, /) -> bool:
        """Set a property; the driver may reject it."""

    def release(self) -> None:
        """Close the device, connection or file."""


class OpenCvSource:
    """Reads decoded frames."""

    def __init__(self, capture: Capture, clock: Clock, ends: bool, wall_clock: WallClock = unix_us) -> None:
        """Read from an opened capture. If ``ends``, a missing frame is the end of a file, not a failure."""
        self._capture = capture
        self._clock = clock
        self._ends = ends
        self._wall_clock = wall_clock

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            SourceEndedError: The file has no more frames.
            SourceError: There is no frame, it is too large, or too many in a row can't be decoded.
        """
        for _ in range(MAX_BAD_FRAMES):
            pixels, grabbed_at, captured_at_us = _grab(self._capture, self._clock, self._wall_clock, self._ends)
            if pixels is not None and pixels.ndim == 3 and pixels.size > 0:
                if pixels.shape[0] * pixels.shape[1] > MAX_PIXELS:
                    raise SourceError(f"the picture has more than {MAX_PIXELS // 10**6} megapixels")
                return Frame(pixels, pixels.shape[1], pixels.shape[0], grabbed_at, captured_at_us)
        raise SourceError("the frames can't be decoded")

    def close(self) -> None:
        """Release the capture."""
        self._capture.release()


class MjpegSource:
    """Returns a webcam's own JPEGs without decoding them."""

    def __init__(self, capture: Capture, clock: Clock, size: tuple[int, int], wall_clock: WallClock = unix_us) -> None:
        """Read from a capture that returns JPEG bytes of this (width, height)."""
        self._capture = capture
        self._clock = clock
        self._size = size
        self._wall_clock = wall_clock

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            SourceError: There is no frame, or too many in a row aren't JPEG.
        """
        for _ in range(MAX_BAD_FRAMES):
            data, grabbed_at, captured_at_us = _grab(self._capture, self._clock, self._wall_clock, ends=False)
            if data is not None and is_jpeg(jpeg := data.tobytes()):
                return Frame(jpeg, *self._size, grabbed_at, captured_at_us)
        raise SourceError("the camera no longer delivers JPEG")

    def close(self) -> None:
        """Release the capture."""
        self._capture.release()


def probe_jpeg_size(capture: Capture) -> tuple[int, int] | None:
    """Grab a few undecoded frames and return (width, height) of the first that is a valid JPEG, or None."""
    for _ in range(PROBED_FRAMES):
        retrieved, data = capture.retrieve() if capture.grab() else (False, None)
        size = jpeg_size(np.asarray(data).tobytes()) if retrieved and data is not None else None
        if size is not None:
            return size
    return None


def _grab(capture: Capture, clock: Clock, wall_clock: WallClock, ends: bool) -> tuple[Pixels | None, float, int]:
    """Return a frame, or None if it can't be decoded, and the time of its grab.

    The time is given in monotonic seconds and in Unix microseconds.
    """
    grabbed = capture.grab()
    grabbed_at, captured_at_us = clock(), wall_clock()
    if not grabbed:
        if ends:
            raise SourceEndedError
        raise SourceError("the source stopped delivering frames")
    retrieved, data = capture.retrieve()
    usable = retrieved and data is not None
    return np.asarray(data, dtype=np.uint8) if usable else None, grabbed_at, captured_at_us


def backends_for(kind: SourceKind, platform: str) -> tuple[int, ...]:
    """Return the OpenCV backends to try, in order of preference.

    Args:
        kind: Any kind but the demo feed.
        platform: As in ``sys.platform``.
    """
    if kind in (SourceKind.STREAM, SourceKind.FILE):
        return (cv2.CAP_FFMPEG,)
    return _WEBCAM_BACKENDS.get(platform, (cv2.CAP_ANY,))


def opening_parameters(kind: SourceKind, open_s: float, stall_s: float) -> list[int]:
    """Return the parameters for opening, as OpenCV's flat list of names and values.

    Args:
        kind: Any kind but the demo feed.
        open_s: Seconds that a stream may take to open.
        stall_s: Seconds that a stream may take for a frame.
    """
    if kind is not SourceKind.STREAM:
        return []
    return [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(open_s * 1000)),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(stall_s * 1000)),
        # With several threads, FFmpeg decodes several frames at once, which delays each of them.
        *(cv2.CAP_PROP_N_THREADS, 1),
    ]


def limit_ffmpeg_memory() -> bool:
    """Limit FFmpeg's allocations in this process; return whether OpenCV's FFmpeg was found.

    The camera decides how much FFmpeg allocates: without the limit, an endless picture fills all memory.
    """
    for path in _ffmpeg_libraries():
        try:
            limit = ctypes.CDLL(str(path)).av_max_alloc
        except (OSError, AttributeError):
            continue
        limit.argtypes, limit.restype = [ctypes.c_size_t], None
        limit(MAX_ALLOCATION_BYTES)
        return True
    return False


def _ffmpeg_libraries() -> Iterator[Path]:
    """Yield the files that may be the libavutil that ``cv2`` is linked with."""
    if sys.platform.startswith("linux"):
        mapped = {line.split(maxsplit=5)[-1].strip() for line in Path("/proc/self/maps").read_text().splitlines()}
        yield from (Path(name) for name in sorted(mapped) if Path(name).name.startswith("libavutil"))
    package = Path(cv2.__file__).parent
    yield from sorted((package / ".dylibs").glob("libavutil*"))
