"""A process that replaces capture: it publishes a pre-encoded clip for each camera in real time."""

import multiprocessing
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection
from typing import Any

from bench.scenes.clip import FPS, GUEST_STAYS
from bench.scenes.faces import HEIGHT, WIDTH
from services.capture.publisher_thread import PublishError
from services.capture.redis_publisher import RedisPublisher
from services.contracts.cameras import CameraState, CameraStatus
from services.contracts.frames import FrameMessage


def announce(publisher: RedisPublisher, cameras: Iterable[str]) -> None:
    """Publish the status of cameras that are online.

    Raises:
        PublishError: Redis rejected it.
    """
    status = CameraStatus(CameraState.ONLINE, "bench", FPS, WIDTH, HEIGHT, 0, 0, 0, "")
    publisher.put_statuses(dict.fromkeys(cameras, status))


def publish(
    publisher: RedisPublisher,
    camera: str,
    jpeg: bytes,
    seq: int,
    grabbed_at: float,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> None:
    """Publish one frame.

    Args:
        publisher: The connection to Redis.
        camera: Id of the camera.
        jpeg: The image.
        seq: Number of the frame.
        grabbed_at: Capture time in monotonic seconds.
        size: Width and height of the image.

    Raises:
        PublishError: Redis rejected it.
    """
    late_us = max(0, round((time.monotonic() - grabbed_at) * 1e6))
    message = FrameMessage(jpeg, round(time.time() * 1e6) - late_us, late_us, *size, seq)
    publisher.publish(camera, message)


_CLIP_OFFSET = 23
"""Offset in the clip from one camera to the next, so that new faces don't appear everywhere at once."""


@dataclass(frozen=True)
class CameraRun:
    """The schedule of the cameras. Frames are numbered from 0; within a period the cameras publish one after the other.

    Attributes:
        cameras: Ids.
        started_s: Time of frame 0, in Unix seconds.
        clip_frames: Number of frames in the clip.
        fps: Frame rate of each camera; the clip's, or a divisor of it.
    """

    cameras: tuple[str, ...]
    started_s: float
    clip_frames: int
    fps: float = FPS

    @property
    def guest_frames(self) -> int:
        """Number of a camera's frames in which each guest is visible."""
        return round(GUEST_STAYS * self.fps / FPS)

    def due_s(self, camera: str, number: int) -> float:
        """Return the scheduled time of a frame, in Unix seconds."""
        return self.started_s + (number + self.cameras.index(camera) / len(self.cameras)) / self.fps

    def number(self, camera: str, captured_s: float) -> int:
        """Return the number of the frame captured at a time."""
        return round((captured_s - self.due_s(camera, 0)) * self.fps)

    def clip_index(self, camera: str, number: int) -> int:
        """Return the index in the clip of a camera's frame."""
        return (number * round(FPS / self.fps) + self.cameras.index(camera) * _CLIP_OFFSET) % self.clip_frames


@dataclass
class FrameCounts:
    """Numbers of the frames that were published, and of those that were late or that Redis rejected."""

    published: dict[str, list[int]] = field(default_factory=dict)
    dropped: dict[str, list[int]] = field(default_factory=dict)


class CameraProcess:
    """Controls the process."""

    def __init__(self, pid: int, connection: "Connection[Any, Any]") -> None:
        self.pid = pid
        self._connection = connection

    def begin(self, cameras: Sequence[str], fps: float = FPS) -> CameraRun:
        """Start these cameras; their status is published when this returns."""
        self._connection.send((tuple(cameras), fps))
        camera_run = self._connection.recv()
        assert isinstance(camera_run, CameraRun)
        return camera_run

    def end(self) -> FrameCounts:
        """Stop the cameras; return their frames."""
        self._connection.send("end")
        frame_counts = self._connection.recv()
        assert isinstance(frame_counts, FrameCounts)
        return frame_counts


@contextmanager
def camera_process(redis_url: str, clip: Sequence[bytes]) -> Iterator[CameraProcess]:
    """Run the process during the block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, redis_url, list(clip)), name="cameras", daemon=True)
    process.start()
    theirs.close()
    assert process.pid is not None
    try:
        yield CameraProcess(process.pid, ours)
    finally:
        ours.close()
        process.join()


def _serve(connection: "Connection[Any, Any]", redis_url: str, clip: Sequence[bytes]) -> None:
    publisher = RedisPublisher(redis_url)
    while True:
        try:
            cameras, fps = connection.recv()
        except EOFError:
            return
        announce(publisher, cameras)
        camera_run = CameraRun(cameras, time.time(), len(clip), fps)
        connection.send(camera_run)
        frame_counts = _publish_until_stopped(connection, publisher, camera_run, clip)
        publisher.delete_statuses(cameras)
        connection.send(frame_counts)


def _publish_until_stopped(
    connection: "Connection[Any, Any]", publisher: RedisPublisher, camera_run: CameraRun, clip: Sequence[bytes]
) -> FrameCounts:
    """Publish until a message arrives; a frame that is late by a period is dropped, as in capture."""
    frame_counts = FrameCounts(
        {camera: [] for camera in camera_run.cameras}, {camera: [] for camera in camera_run.cameras}
    )
    to_monotonic = time.monotonic() - time.time()
    for number in count():
        if number % round(camera_run.fps) == 0:
            announce(publisher, camera_run.cameras)
        for camera in camera_run.cameras:
            due = camera_run.due_s(camera, number) + to_monotonic
            if connection.poll(max(0.0, due - time.monotonic())):
                connection.recv()
                return frame_counts
            time.sleep(max(0.0, due - time.monotonic()))  # poll() has a resolution of milliseconds
            if time.monotonic() - due > 1 / camera_run.fps:
                frame_counts.dropped[camera].append(number)
                continue
            try:
                publish(publisher, camera, clip[camera_run.clip_index(camera, number)], number, due)
                frame_counts.published[camera].append(number)
            except PublishError:
                frame_counts.dropped[camera].append(number)
    raise AssertionError("frames never end")
