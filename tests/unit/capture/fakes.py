"""Stand-ins for the camera, the clock and Redis."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from services.capture.camera import Camera, CameraPolicy
from services.capture.publisher_thread import PublishError
from services.capture.sources.base import Frame, FrameSource, SourceEnded, SourceError
from services.capture.sources.spec import SourceSpec, parse_cameras
from services.contracts.cameras import CameraStatus
from services.contracts.frames import FrameMessage


def make_frame(grabbed_at: float = 100.0, width: int = 32, height: int = 24) -> Frame:
    return Frame(np.full((height, width, 3), 128, np.uint8), width, height, grabbed_at, 1_700_000_000_000_000)


class FakeSource:
    """Gives what the script yields; a raised exception is what the source raises."""

    def __init__(self, script: Iterator[Frame]) -> None:
        self._script = script
        self.closed = threading.Event()

    def read(self) -> Frame:
        frame = next(self._script, None)
        if frame is None:
            raise SourceEnded
        return frame

    def close(self) -> None:
        self.closed.set()


class FakeOpener:
    """Opens scripted sources one after the other, and the last one again and again."""

    def __init__(self, *openings: Callable[[], FrameSource]) -> None:
        self._openings = openings
        self.asked_for: list[SourceSpec] = []

    def __call__(self, source: SourceSpec) -> FrameSource:
        opening = self._openings[min(self.opened, len(self._openings) - 1)]
        self.asked_for.append(source)
        return opening()

    @property
    def opened(self) -> int:
        return len(self.asked_for)


class FakePublisher:
    """Keeps what it is given; refuses while ``failing``; waits while ``gate`` is closed."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, FrameMessage]] = []
        self.statuses: dict[str, CameraStatus] = {}
        self.beats = 0
        self.refusals = 0
        self.failing = False
        self.closed = False
        self.gate = threading.Event()
        self.gate.set()

    def publish(self, camera: str, message: FrameMessage) -> None:
        self.gate.wait(5)
        self._refuse()
        self.messages.append((camera, message))

    def announce(self, statuses: Mapping[str, CameraStatus]) -> None:
        self._refuse()
        self.beats += 1
        self.statuses.update(statuses)

    def withdraw(self, cameras: Iterable[str]) -> None:
        self._refuse()
        for camera in cameras:
            self.statuses.pop(camera, None)

    def ping(self) -> None:
        self._refuse()

    def close(self) -> None:
        self.closed = True

    def _refuse(self) -> None:
        if self.failing:
            self.refusals += 1
            raise PublishError("ConnectionError: refused")


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
