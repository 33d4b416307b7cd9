"""Frames of video files, read with OpenCV."""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emotion_client.cli.inputs import InputError
from emotion_client.video import VideoFrame, has_websockets

if TYPE_CHECKING:
    import cv2

INSTALL_VIDEO = "pip install 'emotion-client[video]'"

_JPEG_QUALITY = 92
_DEFAULT_FPS = 25.0
_MAX_FPS = 1000.0
_MAX_FRAME_COUNT = 10_000_000
"""A larger count in a file's header is not believed."""


@dataclass(frozen=True)
class Video:
    """An open video.

    Attributes:
        count: Expected number of frames; None if the file doesn't contain it.
        frames: The frames; can be iterated once.
    """

    count: int | None
    frames: Iterator[VideoFrame]


def has_opencv() -> bool:
    """Return whether OpenCV is installed."""
    return importlib.util.find_spec("cv2") is not None


def open_video(path: str, fps: float | None) -> Video:
    """Open a video file.

    Args:
        path: The file.
        fps: Maximum number of frames for each second of the video; all if None.

    Raises:
        InputError: A package is missing, or the file can't be decoded.
    """
    if not (has_opencv() and has_websockets()):
        raise InputError(f"videos need the packages opencv-python-headless and websockets: {INSTALL_VIDEO}")
    import cv2

    capture = cv2.VideoCapture(path)
    if not capture.isOpened():
        capture.release()
        raise InputError("not a video that can be decoded")
    header_fps = capture.get(cv2.CAP_PROP_FPS)
    header_fps = header_fps if 0 < header_fps < _MAX_FPS else _DEFAULT_FPS
    total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    count = round(total * min(1.0, (fps or header_fps) / header_fps)) if 0 < total < _MAX_FRAME_COUNT else None
    return Video(count, _frames(capture, header_fps, fps))


def _frames(capture: "cv2.VideoCapture", header_fps: float, fps: float | None) -> Iterator[VideoFrame]:
    import cv2

    index, at_s, last_at_s = 0, 0.0, None
    try:
        while capture.grab():
            at_s = frame_time_s(capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3, at_s if index else None, header_fps)
            if last_at_s is None or starts_interval(at_s, last_at_s, fps):
                decoded, image = capture.retrieve()
                encoded, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
                if not (decoded and encoded):
                    raise InputError(f"frame {index} can't be decoded")
                last_at_s = at_s
                yield VideoFrame(index, at_s, jpeg.tobytes())
            index += 1
    finally:
        capture.release()
    if index == 0:
        raise InputError("no frame can be decoded")


def frame_time_s(timestamp_s: float, previous_s: float | None, header_fps: float) -> float:
    """Return the time of a frame: its timestamp, or one period after the previous frame if that isn't later.

    Some containers have no timestamps, or repeat one.
    """
    if previous_s is None:
        return max(0.0, timestamp_s)
    return timestamp_s if timestamp_s > previous_s else previous_s + 1 / header_fps


def starts_interval(at_s: float, last_at_s: float, fps: float | None) -> bool:
    """Return whether a frame is the first in its interval of ``1 / fps`` seconds."""
    # A timestamp may be a rounding error below the start of its interval.
    return fps is None or int(at_s * fps + 1e-6) != int(last_at_s * fps + 1e-6)
