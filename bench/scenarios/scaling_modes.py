"""The modes in which the cost of an image is measured: an upload, a detector with ROIs, and a live session."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, perf_counter, sleep, time
from typing import Any

from websockets.sync.client import ClientConnection, connect

from bench.harness.cameras import announce, publish
from bench.harness.clients import Client
from bench.harness.run import Scale
from bench.harness.stack import Stack
from bench.harness.tables import percentiles
from bench.harness.usage import Usage, cpu_ms_per, difference
from bench.scenarios.baseline import shifted
from bench.scenes.clip import FPS
from bench.scenes.views import View
from launcher.ports import LOOPBACK
from services.capture.redis_publisher import RedisPublisher
from services.contracts.live import RESULT

PROCESSES = ("detector", "serving", "gateway")
"""Processes that use the most processor time for a frame."""


@dataclass
class ModeCost:
    """The cost of frames in one mode.

    Attributes:
        used_s: Processor seconds by process.
        wall_ms: Duration of each frame, from the request to the result.
        faces: Number of faces found in each frame.
    """

    used_s: dict[str, float] = field(default_factory=dict)
    wall_ms: list[float] = field(default_factory=list)
    faces: list[int] = field(default_factory=list)

    @contextmanager
    def measure_cpu(self, usage: Usage) -> Iterator[None]:
        """Count the processor time during the block."""
        before = usage.cpu_s()
        yield
        for name, used_s in difference(before, usage.cpu_s()).items():
            self.used_s[name] = self.used_s.get(name, 0.0) + used_s

    def add(self, wall_ms: float, faces: int) -> None:
        """Add a frame."""
        self.wall_ms.append(wall_ms)
        self.faces.append(faces)

    def percentiles(self) -> dict[str, Any]:
        """Return the cost of a frame."""
        return {
            "cpu_ms": cpu_ms_per(self.used_s, len(self.wall_ms)),
            "wall_ms": percentiles(self.wall_ms),
            "faces": sum(self.faces) / len(self.faces) if self.faces else None,
        }


def total_cpu_ms(cpu_ms: Mapping[str, float | None]) -> float | None:
    """Return the sum for detector, model server and gateway; None if unknown."""
    known = [each for name in PROCESSES if (each := cpu_ms.get(name)) is not None]
    return sum(known) if known else None


UPLOAD, ROI, LIVE = "upload", "roi", "live"
_WARM_UP = 6
"""Frames until a session tracks all faces."""

_TIMEOUT_S = 3.0
_CLOCKS_S = 0.01
"""Maximum error of the capture time that the gateway reports."""


class ModeCosts:
    """The cost of one kind of image in each mode."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._usage = Usage(stack.pids)
        self._costs = {mode: ModeCost() for mode in (UPLOAD, ROI, LIVE)}

    def measure(self, view: View, camera: str, scale: Scale) -> None:
        """Measure an image in each mode; the camera id must be new."""
        self._upload(view, scale.scaling_uploads)
        if view.faces:
            self._detect_rois(view, 2 * scale.scaling_uploads)
        self._live(view, camera, scale.scaling_live_frames)

    def percentiles(self) -> dict[str, Any]:
        """Return the cost of a frame in each mode."""
        return {mode: cost.percentiles() for mode, cost in self._costs.items()}

    def _upload(self, view: View, times: int) -> None:
        cost, client = self._costs[UPLOAD], Client(self._stack.gateway_port)
        with cost.measure_cpu(self._usage):
            for _ in range(times):
                answer = client.upload_with_retries(view.jpeg)
                cost.add(answer.wall_ms, len(answer.body["faces"]))
        client.close()

    def _detect_rois(self, view: View, times: int) -> None:
        cost, client = self._costs[ROI], Client(int(self._stack.environment["EMOTION_DETECTOR_PORT"]))
        rois = [shifted(face) for face in view.faces]
        with cost.measure_cpu(self._usage):
            for _ in range(times):
                answer = client.detect_rois(view.jpeg, rois)
                if answer.failure is None:
                    cost.add(answer.wall_ms, len(answer.body["faces"]))
        client.close()

    def _live(self, view: View, camera: str, frames: int) -> None:
        """Publish the image again after each result, at most 30 times a second."""
        cost, publisher = self._costs[LIVE], RedisPublisher(self._stack.redis_url)
        announce(publisher, [camera])
        with connect(f"ws://{LOOPBACK}:{self._stack.gateway_port}/ws/cameras/{camera}", proxy=None) as feed:
            self._show(ModeCost(), range(_WARM_UP), view, camera, publisher, feed)
            with cost.measure_cpu(self._usage):
                self._show(cost, range(_WARM_UP, _WARM_UP + frames), view, camera, publisher, feed)
        publisher.delete_statuses([camera])
        publisher.close()

    def _show(
        self,
        cost: ModeCost,
        numbers: Sequence[int],
        view: View,
        camera: str,
        publisher: RedisPublisher,
        feed: ClientConnection,
    ) -> None:
        for number in numbers:
            started, sent, sent_s = monotonic(), perf_counter(), time()
            publish(publisher, camera, view.jpeg, number, started, view.size)
            result = _result_of(feed, sent_s)
            if result is not None:
                cost.add((perf_counter() - sent) * 1e3, len(result["faces"]))
            sleep(max(0.0, started + 1 / FPS - monotonic()))


def _result_of(feed: ClientConnection, captured_s: float) -> dict[str, Any] | None:
    """Return the result of a frame captured at a time; None if the frame was dropped."""
    until = monotonic() + _TIMEOUT_S
    while True:
        try:
            message: dict[str, Any] = json.loads(feed.recv(max(0.0, until - monotonic())))
        except TimeoutError:
            return None
        if message["event"] == RESULT and _captured_s(message) >= captured_s - _CLOCKS_S:
            return message


def _captured_s(message: dict[str, Any]) -> float:
    return datetime.fromisoformat(message["source"]["captured_at"]).timestamp()
