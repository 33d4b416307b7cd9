"""Reads video files, where OpenCV is installed."""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass

from emotion_client.cli.inputs import InputError

_JPEG_QUALITY = 92
NEEDS_OPENCV = "videos need OpenCV: pip install 'emotion-client[video]'"


@dataclass(frozen=True)
class VideoFrame:
    """One frame.

    Attributes:
        index: Counted from 0.
        time_s: From the video's start.
        jpeg: The picture.
    """

    index: int
    time_s: float
    jpeg: bytes


@dataclass(frozen=True)
class Video:
    """A video that was opened.

    Attributes:
        count: How many frames will come, as far as the file tells; None if it doesn't.
        frames: The frames, to be read once.
    """

    count: int | None
    frames: Iterator[VideoFrame]


def has_opencv() -> bool:
    """Tell whether videos and cameras can be opened here."""
    return importlib.util.find_spec("cv2") is not None


def open_video(path: str, fps: float | None) -> Video:
    """Open a video.

    Args:
        path: Its file.
        fps: At most this many frames of a second; all if None.

    Raises:
        InputError: OpenCV is missing, or can't read the file.
    """
    if not has_opencv():
        raise InputError(NEEDS_OPENCV)
    import cv2

    capture = cv2.VideoCapture(path)
    if not capture.isOpened():
        capture.release()
        raise InputError("not a video that can be decoded")
    own_fps = capture.get(cv2.CAP_PROP_FPS)
    own_fps = own_fps if 0 < own_fps < 1000 else 25.0
    total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    count = sum(is_wanted(index, own_fps, fps) for index in range(total)) if 0 < total < 10_000_000 else None

    def frames() -> Iterator[VideoFrame]:
        index = 0
        try:
            while capture.grab():
                if is_wanted(index, own_fps, fps):
                    read, image = capture.retrieve()
                    encoded, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
                    if not (read and encoded):
                        raise InputError(f"frame {index} can't be decoded")
                    yield VideoFrame(index, index / own_fps, jpeg.tobytes())
                index += 1
        finally:
            capture.release()
        if index == 0:
            raise InputError("no frame can be decoded")

    return Video(count, frames())


def is_wanted(index: int, own_fps: float, fps: float | None) -> bool:
    """Tell whether a frame is the first in its slice of a second."""
    if fps is None or fps >= own_fps or index == 0:
        return True
    return int(index * fps / own_fps) != int((index - 1) * fps / own_fps)
