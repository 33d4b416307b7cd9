"""A process that stands for cameras and capture: it publishes a clip for each camera, in the clip's own pace."""

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
    """Say that the cameras are online.

    Raises:
        PublishError: Redis didn't take it.
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
        publisher: Where it goes.
        camera: Whose it is.
        jpeg: The picture.
        seq: Its number.
        grabbed_at: When the camera would have had it, in monotonic seconds.
        size: The picture's width and height.

    Raises:
        PublishError: Redis didn't take it.
    """
    late_us = max(0, round((time.monotonic() - grabbed_at) * 1e6))
    message = FrameMessage(jpeg, round(time.time() * 1e6) - late_us, late_us, *size, seq)
    publisher.publish(camera, message)


_OFFSET = 23
"""Frames of the clip between one camera and the next, so that their guests don't all come at once."""


@dataclass(frozen=True)
class Shooting:
    """When cameras shoot what. Frames are numbered from 0, and the cameras take turns within a period.

    Attributes:
        cameras: Their names.
        began_s: When number 0 was due, in Unix seconds.
        clip_frames: How many frames the clip has.
        fps: Frames a second of each camera; the clip's, or a whole part of it.
    """

    cameras: tuple[str, ...]
    began_s: float
    clip_frames: int
    fps: float = FPS

    @property
    def guest_stays(self) -> int:
        """In how many frames of a camera each guest is."""
        return round(GUEST_STAYS * self.fps / FPS)

    def due_s(self, camera: str, number: int) -> float:
        """Return when a frame is due, in Unix seconds."""
        return self.began_s + (number + self.cameras.index(camera) / len(self.cameras)) / self.fps

    def number(self, camera: str, captured_s: float) -> int:
        """Return which frame was captured then."""
        return round((captured_s - self.due_s(camera, 0)) * self.fps)

    def shown(self, camera: str, number: int) -> int:
        """Return which frame of the clip that was."""
        return (number * round(FPS / self.fps) + self.cameras.index(camera) * _OFFSET) % self.clip_frames


@dataclass
class Shot:
    """What became of the cameras' frames: the numbers that Redis took, and those that it refused or that were late."""

    published: dict[str, list[int]] = field(default_factory=dict)
    dropped: dict[str, list[int]] = field(default_factory=dict)


class CameraProcess:
    """Tells the process when to shoot."""

    def __init__(self, pid: int, connection: "Connection[Any, Any]") -> None:
        self.pid = pid
        self._connection = connection

    def begin(self, cameras: Sequence[str], fps: float = FPS) -> Shooting:
        """Let these cameras shoot; they are announced when this returns."""
        self._connection.send((tuple(cameras), fps))
        shooting = self._connection.recv()
        assert isinstance(shooting, Shooting)
        return shooting

    def end(self) -> Shot:
        """Stop them."""
        self._connection.send("end")
        shot = self._connection.recv()
        assert isinstance(shot, Shot)
        return shot


@contextmanager
def camera_process(redis_url: str, clip: Sequence[bytes]) -> Iterator[CameraProcess]:
    """Run the process while the block runs."""
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
        shooting = Shooting(cameras, time.time(), len(clip), fps)
        connection.send(shooting)
        shot = _shoot(connection, publisher, shooting, clip)
        publisher.delete_statuses(cameras)
        connection.send(shot)


def _shoot(
    connection: "Connection[Any, Any]", publisher: RedisPublisher, shooting: Shooting, clip: Sequence[bytes]
) -> Shot:
    """Publish until told otherwise; who is late by a whole period leaves the frame out, as capture does."""
    shot = Shot({camera: [] for camera in shooting.cameras}, {camera: [] for camera in shooting.cameras})
    to_monotonic = time.monotonic() - time.time()
    for number in count():
        if number % round(shooting.fps) == 0:
            announce(publisher, shooting.cameras)
        for camera in shooting.cameras:
            due = shooting.due_s(camera, number) + to_monotonic
            if connection.poll(max(0.0, due - time.monotonic())):
                connection.recv()
                return shot
            time.sleep(max(0.0, due - time.monotonic()))  # poll counts in whole milliseconds
            if time.monotonic() - due > 1 / shooting.fps:
                shot.dropped[camera].append(number)
                continue
            try:
                publish(publisher, camera, clip[shooting.shown(camera, number)], number, due)
                shot.published[camera].append(number)
            except PublishError:
                shot.dropped[camera].append(number)
    raise AssertionError("frames never end")
