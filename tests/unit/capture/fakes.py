"""Sources, a source factory and a Redis in memory, and a camera that runs with them."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from queue import SimpleQueue

import numpy as np

from services.capture.camera import Camera, CameraPolicy
from services.capture.publisher_thread import PublishError
from services.capture.sources.base import Frame, FrameSource, SourceEndedError, SourceError
from services.capture.sources.spec import SourceSpec, parse_cameras
from services.contracts.cameras import CameraStatus
from services.contracts.frames import FrameMessage
from tests.support.clock import FakeClock

POLICY = CameraPolicy(fps=200, jpeg_quality=85, open_s=500, stall_s=200, reconnect_min_s=1, reconnect_max_s=4)


def make_frame(grabbed_at: float = 100.0, width: int = 32, height: int = 24) -> Frame:
    return Frame(np.full((height, width, 3), 128, np.uint8), width, height, grabbed_at, 1_700_000_000_000_000)


class FakeSource:
    """Delivers what it is fed, and blocks while there is nothing; an exception is raised.

    Attributes:
        reads: Calls of ``read``, with the one in progress.
    """

    def __init__(self, *items: Frame | Exception) -> None:
        self.closed = threading.Event()
        self.reads = 0
        self._items: SimpleQueue[Frame | Exception] = SimpleQueue()
        self.feed(*items)

    def feed(self, *items: Frame | Exception) -> None:
        for item in items:
            self._items.put(item)

    def read(self) -> Frame:
        self.reads += 1
        item = self._items.get()
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        self.closed.set()


Opening = Callable[[], FrameSource]


class FakeFactory:
    """Opens sources in turn, and the last one again and again."""

    def __init__(self, *openings: Opening) -> None:
        self._openings = openings
        self.requests: list[SourceSpec] = []
        self.sources: list[FakeSource] = []

    def __call__(self, spec: SourceSpec) -> FrameSource:
        opening = self._openings[min(self.opened, len(self._openings) - 1)]
        self.requests.append(spec)
        source = opening()
        if isinstance(source, FakeSource):
            self.sources.append(source)
        return source

    @property
    def opened(self) -> int:
        return len(self.requests)

    def release(self) -> None:
        """Unblock every source."""
        for source in self.sources:
            source.feed(SourceError("released"))


def delivering(*items: Frame | Exception) -> Opening:
    """Open a source that delivers these, then blocks."""
    return lambda: FakeSource(*items)


def missing() -> FrameSource:
    raise SourceError("/dev/video0 does not exist")


def file_of(frames: int) -> Opening:
    return delivering(*(make_frame() for _ in range(frames)), SourceEndedError())


class FakePublisher:
    """Keeps what is published; fails while ``failing``; blocks while ``gate`` is closed."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, FrameMessage]] = []
        self.statuses: dict[str, CameraStatus] = {}
        self.calls = 0
        self.beats = 0
        self.failures = 0
        self.failing = False
        self.closed = False
        self.gate = threading.Event()
        self.gate.set()

    @property
    def sequence(self) -> list[int]:
        return [message.seq for _, message in self.messages]

    def publish(self, camera_id: str, message: FrameMessage) -> None:
        self.calls += 1
        self.gate.wait()
        self._fail_if_failing()
        self.messages.append((camera_id, message))

    def put_statuses(self, statuses: Mapping[str, CameraStatus]) -> None:
        self._fail_if_failing()
        self.beats += 1
        self.statuses.update(statuses)

    def delete_statuses(self, camera_ids: Iterable[str]) -> None:
        self._fail_if_failing()
        for camera_id in camera_ids:
            self.statuses.pop(camera_id, None)

    def ping(self) -> None:
        self._fail_if_failing()

    def close(self) -> None:
        self.closed = True

    def _fail_if_failing(self) -> None:
        if self.failing:
            self.failures += 1
            raise PublishError("connection refused")


@contextmanager
def running(
    factory: FakeFactory,
    publisher: FakePublisher,
    clock: FakeClock,
    source: str = "0",
    policy: CameraPolicy = POLICY,
) -> Iterator[Camera]:
    """Run a camera by a clock that the test advances."""
    (spec,) = parse_cameras(f"cam0={source}")
    camera = Camera(spec, policy, factory, publisher, clock, clock.wait)
    camera.start()
    try:
        yield camera
    finally:
        camera.begin_stop()
        publisher.gate.set()
        factory.release()
        camera.join(10)
