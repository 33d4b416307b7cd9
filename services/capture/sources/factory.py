"""Opens sources."""

import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2

from services.capture.redaction import redact_device, url_host
from services.capture.sources.base import Frame, FrameSource, SourceEndedError, SourceError, SourceFactory
from services.capture.sources.demo import DemoSource
from services.capture.sources.jpeg import MAX_PIXELS
from services.capture.sources.opencv import (
    Capture,
    MjpegSource,
    OpenCvSource,
    backends_for,
    opening_parameters,
    probe_jpeg_size,
)
from services.capture.sources.spec import SourceKind, SourceSpec
from services.runtime.clock import Clock

TLS_SCHEMES = ("https://", "rtsps://")
_BUFFERED_FRAMES = 2  # with a single buffer, drivers wait for capture before they expose the next frame


@dataclass(frozen=True)
class CaptureOptions:
    """What is requested of a camera, which may deliver something else.

    Attributes:
        width: Pixels.
        height: Pixels.
        fps: Frames a second.
        mjpeg_passthrough: Whether a webcam's own JPEGs are used without decoding them.
        open_s: Seconds that a stream may take to open.
        stall_s: Seconds that a stream may take for a frame.
        allow_tls_addresses: Whether a TLS stream may be opened by IP address. FFmpeg doesn't compare an address with
            the certificate, so this is safe only with a chosen certificate authority, or without verification.
    """

    width: int
    height: int
    fps: float
    mjpeg_passthrough: bool
    open_s: float = 15.0
    stall_s: float = 5.0
    allow_tls_addresses: bool = False


def source_factory(options: CaptureOptions, loop: bool, clock: Clock = time.monotonic) -> SourceFactory:
    """Return a function that opens sources; ``loop`` makes files start again at their end."""
    return partial(_open, options, loop, clock)


def _open(options: CaptureOptions, loop: bool, clock: Clock, source: SourceSpec) -> FrameSource:
    match source.kind:
        case SourceKind.DEMO:
            return DemoSource(clock)
        case SourceKind.FILE:
            open_file = partial(_open_file, source, options, clock)
            return LoopingSource(open_file) if loop else open_file()
        case SourceKind.STREAM:
            if is_tls_address(source.value) and not options.allow_tls_addresses:
                raise SourceError("certificates can't be verified for an IP address: set EMOTION_CAPTURE_TLS_CA_FILE")
            return OpenCvSource(_open_capture(source, options, "the stream can't be opened"), clock, ends=False)
        case SourceKind.WEBCAM | SourceKind.DEVICE:
            capture = _open_capture(source, options, diagnose_webcam(source, sys.platform))
            return configure_webcam(capture, options, clock)


def _open_file(source: SourceSpec, options: CaptureOptions, clock: Clock) -> FrameSource:
    if not Path(source.value).is_file():
        raise SourceError("file not found")
    return OpenCvSource(_open_capture(source, options, "the file is not a readable video"), clock, ends=True)


def _open_capture(source: SourceSpec, options: CaptureOptions, error: str) -> cv2.VideoCapture:
    """Open a capture with the first backend that can.

    Raises:
        SourceError: No backend can open the source (``error`` is the message), or its pictures are too large.
    """
    parameters = opening_parameters(source.kind, options.open_s, options.stall_s)
    for backend in backends_for(source.kind, sys.platform):
        if source.kind is SourceKind.WEBCAM:
            capture = cv2.VideoCapture(int(source.value), backend, parameters)
        else:
            capture = cv2.VideoCapture(source.value, backend, parameters)
        if capture.isOpened():
            _check_announced_size(capture)
            return capture
        capture.release()
    raise SourceError(error)


def _check_announced_size(capture: cv2.VideoCapture) -> None:
    """Reject pictures that are too large before the first one is decoded."""
    if capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT) > MAX_PIXELS:
        capture.release()
        raise SourceError(f"the picture has more than {MAX_PIXELS // 10**6} megapixels")


def configure_webcam(capture: Capture, options: CaptureOptions, clock: Clock) -> FrameSource:
    """Request size, rate and format of an opened webcam, and return it as a source.

    The webcam's own JPEGs are used only if the first one is valid; otherwise OpenCV decodes.
    """
    # Motion JPEG first: at full size, few webcams have the bandwidth for raw pictures.
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, options.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, options.height)
    capture.set(cv2.CAP_PROP_FPS, options.fps)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, _BUFFERED_FRAMES)
    if options.mjpeg_passthrough and capture.set(cv2.CAP_PROP_CONVERT_RGB, 0):
        size = probe_jpeg_size(capture)
        if size is not None:
            return MjpegSource(capture, clock, size)
        capture.set(cv2.CAP_PROP_CONVERT_RGB, 1)
    return OpenCvSource(capture, clock, ends=False)


def diagnose_webcam(source: SourceSpec, platform: str) -> str:
    """Return the most likely reason why a webcam doesn't open, with a hint."""
    if platform != "linux":
        return "the webcam can't be opened: check that it is connected, not in use, and that this program may use it"
    device = Path(source.value if source.kind is SourceKind.DEVICE else f"/dev/video{source.value}")
    name = redact_device(str(device))
    if not device.exists():
        return f"{name} does not exist"
    if not os.access(device, os.R_OK | os.W_OK):
        return f"permission denied for {name}: add this user to the group that owns it, usually video"
    return f"{name} can't be opened: another program may be using it"


def is_tls_address(url: str) -> bool:
    """Return whether a URL with TLS names its host by IP address, which FFmpeg doesn't compare with the certificate."""
    if not url.startswith(TLS_SCHEMES):
        return False
    try:
        # FFmpeg resolves in the same way, so that forms such as 127.1 and 0x7f000001 are addresses too.
        socket.getaddrinfo(url_host(url), None, flags=socket.AI_NUMERICHOST)
    except OSError:
        return False
    return True


class LoopingSource:
    """A file that starts again at its end. It is opened again, since seeking isn't exact in every format."""

    def __init__(self, open_file: Callable[[], FrameSource]) -> None:
        self._open_file = open_file
        self._source = open_file()

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            SourceError: The file can't be read or has no frames.
        """
        try:
            return self._source.read()
        except SourceEndedError:
            self._source.close()
            self._source = self._open_file()
        try:
            return self._source.read()
        except SourceEndedError as error:
            raise SourceError("the file has no frames") from error

    def close(self) -> None:
        """Close the file."""
        self._source.close()
