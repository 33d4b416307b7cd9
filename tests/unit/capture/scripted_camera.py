"""A camera whose sources follow a script, with a Redis in memory."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from services.capture.camera import Camera, CameraPolicy
from services.capture.camera_list import parse_cameras
from services.capture.frame import Frame
from services.capture.sources import SourceError
from tests.unit.capture.fakes import FakeOpener, FakePublisher, FakeSource, make_frame

POLICY = CameraPolicy(fps=200, jpeg_quality=85, open_s=0.5, stall_s=0.2, reconnect_min_s=0.01, reconnect_max_s=0.05)


def live(fps: float = 100) -> Iterator[Frame]:
    """Give frames for ever, as a camera does."""
    while True:
        time.sleep(1 / fps)
        yield make_frame(grabbed_at=time.monotonic())


def count(frames: int) -> Iterator[Frame]:
    return (make_frame(grabbed_at=time.monotonic()) for _ in range(frames))


def then_fail(frames: int, message: str = "the cable is out") -> Iterator[Frame]:
    yield from itertools.islice(live(), frames)
    raise SourceError(message)


def then_hang(frames: int, release: threading.Event) -> Iterator[Frame]:
    yield from itertools.islice(live(), frames)
    release.wait(20)
    yield make_frame(grabbed_at=time.monotonic(), width=999)
    raise SourceError("late")


def refuse() -> FakeSource:
    raise SourceError("there is no /dev/video0")


@contextmanager
def running(
    opener: FakeOpener, publisher: FakePublisher, source: str = "0", policy: CameraPolicy = POLICY
) -> Iterator[Camera]:
    (named,) = parse_cameras(f"cam0={source}")
    camera = Camera(named, policy, opener, publisher)
    camera.start()
    try:
        yield camera
    finally:
        camera.begin_stop()
        camera.join(5)


def opening(script: Callable[[], Iterator[Frame]]) -> Callable[[], FakeSource]:
    return lambda: FakeSource(script())
