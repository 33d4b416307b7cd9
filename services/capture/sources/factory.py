"""Opens a source: from what a person named to frames that come."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2

from services.capture.jpeg import MAX_PIXELS
from services.capture.opencv_environment import names_no_host
from services.capture.redaction import public_device
from services.capture.sources.base import Frame, FrameSource, SourceEnded, SourceError, SourceOpener
from services.capture.sources.demo import DemoSource
from services.capture.sources.opencv import (
    Capture,
    MjpegSource,
    OpenCvSource,
    backends_for,
    first_jpeg_size,
    opening_parameters,
)
from services.capture.sources.spec import SourceKind, SourceSpec
from services.runtime.clock import Clock


class LoopingSource:
    """Opens a source anew whenever it ends: seeking back to the start isn't exact in every format."""

    def __init__(self, open_again: Callable[[], FrameSource]) -> None:
        self._open_again = open_again
        self._source = open_again()

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            SourceError: The file can't be read, or is empty.
        """
        try:
            return self._source.read()
        except SourceEnded:
            self._source.close()
            self._source = self._open_again()
        try:
            return self._source.read()
        except SourceEnded as end:
            raise SourceError("the file has no frames") from end

    def close(self) -> None:
        """Close the file."""
        self._source.close()


_BUFFERED_FRAMES = 2  # with one only, drivers wait for us before they expose the next


@dataclass(frozen=True)
class Asked:
    """What a camera is asked for; it may give something else.

    Attributes:
        width: Pixels.
        height: Pixels.
        fps: Frames a second.
        own_jpegs: Whether a webcam's own JPEGs are wanted undecoded.
        open_s: Seconds that a stream may take to open.
        stall_s: Seconds that a stream may take for a frame.
        addresses_verified: Whether a stream with TLS may be opened at an address, which its certificate isn't compared
            with: who issues the trusted certificates was named, or none is checked.
    """

    width: int
    height: int
    fps: float
    own_jpegs: bool
    open_s: float = 15.0
    stall_s: float = 5.0
    addresses_verified: bool = False


def opener(asked: Asked, loop: bool, clock: Clock = time.monotonic) -> SourceOpener:
    """Return the function that opens sources; ``loop`` makes files start again at their end."""
    return partial(_open, asked, loop, clock)


def _open(asked: Asked, loop: bool, clock: Clock, source: SourceSpec) -> FrameSource:
    match source.kind:
        case SourceKind.DEMO:
            return DemoSource(clock)
        case SourceKind.FILE:
            open_file = partial(_open_file, source, asked, clock)
            return LoopingSource(open_file) if loop else open_file()
        case SourceKind.STREAM:
            if names_no_host(source.value) and not asked.addresses_verified:
                raise SourceError("a certificate can't be compared with an IP address: set EMOTION_CAPTURE_TLS_CA_FILE")
            return OpenCvSource(_capture(source, asked, "the stream can't be opened"), clock, ends=False)
        case SourceKind.WEBCAM | SourceKind.DEVICE:
            return _open_webcam(source, asked, clock)


def _open_file(source: SourceSpec, asked: Asked, clock: Clock) -> FrameSource:
    if not Path(source.value).is_file():
        raise SourceError("there is no such file")
    return OpenCvSource(_capture(source, asked, "no video that can be read"), clock, ends=True)


def _open_webcam(source: SourceSpec, asked: Asked, clock: Clock) -> FrameSource:
    capture = _capture(source, asked, webcam_trouble(source, sys.platform))
    return start_webcam(capture, asked, clock)


def start_webcam(capture: Capture, asked: Asked, clock: Clock) -> FrameSource:
    """Ask an opened webcam for what we want, and return it as a source.

    Its own JPEGs are passed on only where the first one proves to be a picture; else OpenCV decodes.
    """
    # Motion JPEG first: at full size few webcams have the bandwidth for anything else.
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, asked.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, asked.height)
    capture.set(cv2.CAP_PROP_FPS, asked.fps)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, _BUFFERED_FRAMES)
    if asked.own_jpegs and capture.set(cv2.CAP_PROP_CONVERT_RGB, 0):
        size = first_jpeg_size(capture)
        if size is not None:
            return MjpegSource(capture, clock, size)
        capture.set(cv2.CAP_PROP_CONVERT_RGB, 1)
    return OpenCvSource(capture, clock, ends=False)


def webcam_trouble(source: SourceSpec, platform: str) -> str:
    """Return the likeliest reason, and what helps, for a webcam that doesn't open."""
    if platform != "linux":
        return "the webcam can't be opened: is it there, free, and may this program use the camera?"
    device = Path(source.value if source.kind is SourceKind.DEVICE else f"/dev/video{source.value}")
    shown = public_device(str(device))
    if not device.exists():
        return f"there is no {shown}"
    if not os.access(device, os.R_OK | os.W_OK):
        return f"no permission for {shown}: add this user to the group that owns it, often video"
    return f"{shown} can't be opened: another program may be using it"


def _capture(source: SourceSpec, asked: Asked, trouble: str) -> cv2.VideoCapture:
    """Return an opened capture.

    Raises:
        SourceError: No backend could open it; ``trouble`` is the message.
    """
    parameters = opening_parameters(source.kind, asked.open_s, asked.stall_s)
    for backend in backends_for(source.kind, sys.platform):
        if source.kind is SourceKind.WEBCAM:
            capture = cv2.VideoCapture(int(source.value), backend, parameters)
        else:
            capture = cv2.VideoCapture(source.value, backend, parameters)
        if capture.isOpened():
            _require_moderate_size(capture)
            return capture
        capture.release()
    raise SourceError(trouble)


def _require_moderate_size(capture: cv2.VideoCapture) -> None:
    """Refuse pictures that are too large before the first of them is decoded whole."""
    if capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT) > MAX_PIXELS:
        capture.release()
        raise SourceError(f"the picture has more than {MAX_PIXELS // 10**6} megapixels")
