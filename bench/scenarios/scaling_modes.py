"""The ways in which a picture is asked about: an upload, a detector with hints, and a live session."""

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
from bench.harness.tables import figures
from bench.harness.usage import Usage, between, cpu_ms_each
from bench.scenarios.baseline import nudged
from bench.scenes.clip import FPS
from bench.scenes.views import View
from launcher.ports import LOOPBACK
from services.capture.redis_publisher import RedisPublisher
from services.contracts.live import RESULT

PROCESSES = ("detector", "serving", "gateway")
"""Those that a frame costs most of."""


@dataclass
class Cost:
    """What frames cost.

    Attributes:
        used_s: Processor seconds by process.
        wall_ms: Of each frame, from the question to its answer.
        faces: How many were found in each.
    """

    used_s: dict[str, float] = field(default_factory=dict)
    wall_ms: list[float] = field(default_factory=list)
    faces: list[int] = field(default_factory=list)

    @contextmanager
    def counting(self, usage: Usage) -> Iterator[None]:
        """Count what is used while the block runs."""
        before = usage.cpu_s()
        yield
        for name, used_s in between(before, usage.cpu_s()).items():
            self.used_s[name] = self.used_s.get(name, 0.0) + used_s

    def add(self, wall_ms: float, faces: int) -> None:
        """Take note of a frame."""
        self.wall_ms.append(wall_ms)
        self.faces.append(faces)

    def figures(self) -> dict[str, Any]:
        """Return what a frame costs."""
        return {
            "cpu_ms": cpu_ms_each(self.used_s, len(self.wall_ms)),
            "wall_ms": figures(self.wall_ms),
            "faces": sum(self.faces) / len(self.faces) if self.faces else None,
        }


def together_ms(cpu_ms: Mapping[str, float | None]) -> float | None:
    """Return what detector, model server and gateway cost together; None where that isn't known."""
    known = [each for name in PROCESSES if (each := cpu_ms.get(name)) is not None]
    return sum(known) if known else None


UPLOAD, HINTS, LIVE = "upload", "hints", "live"
_WARM_UP = 6
"""Frames until a session knows its faces."""

_PATIENCE_S = 3.0
_CLOCKS_S = 0.01
"""By how much the gateway's idea of when a frame was captured may differ."""


class Asked:
    """What one kind of picture costs, by the way in which it is asked about."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._usage = Usage(stack.pids)
        self._costs = {way: Cost() for way in (UPLOAD, HINTS, LIVE)}

    def ask(self, view: View, camera: str, scale: Scale) -> None:
        """Ask about a picture in each way; the camera's name must be new."""
        self._upload(view, scale.growth_uploads)
        if view.faces:
            self._hint(view, 2 * scale.growth_uploads)
        self._live(view, camera, scale.growth_live_frames)

    def figures(self) -> dict[str, Any]:
        """Return what a frame costs, by way."""
        return {way: cost.figures() for way, cost in self._costs.items()}

    def _upload(self, view: View, times: int) -> None:
        cost, client = self._costs[UPLOAD], Client(self._stack.gateway_port)
        with cost.counting(self._usage):
            for _ in range(times):
                answer = client.upload_until_answered(view.jpeg)
                cost.add(answer.wall_ms, len(answer.body["faces"]))
        client.close()

    def _hint(self, view: View, times: int) -> None:
        cost, client = self._costs[HINTS], Client(int(self._stack.environment["EMOTION_DETECTOR_PORT"]))
        hints = [nudged(face) for face in view.faces]
        with cost.counting(self._usage):
            for _ in range(times):
                answer = client.faces_near(view.jpeg, hints)
                if answer.failure is None:
                    cost.add(answer.wall_ms, len(answer.body["faces"]))
        client.close()

    def _live(self, view: View, camera: str, frames: int) -> None:
        """Publish the picture again once its result is there, at most 30 times a second."""
        cost, publisher = self._costs[LIVE], RedisPublisher(self._stack.redis_url)
        announce(publisher, [camera])
        with connect(f"ws://{LOOPBACK}:{self._stack.gateway_port}/ws/cameras/{camera}", proxy=None) as feed:
            self._show(Cost(), range(_WARM_UP), view, camera, publisher, feed)
            with cost.counting(self._usage):
                self._show(cost, range(_WARM_UP, _WARM_UP + frames), view, camera, publisher, feed)
        publisher.delete_statuses([camera])
        publisher.close()

    def _show(
        self,
        cost: Cost,
        numbers: Sequence[int],
        view: View,
        camera: str,
        publisher: RedisPublisher,
        feed: ClientConnection,
    ) -> None:
        for number in numbers:
            began, sent, sent_s = monotonic(), perf_counter(), time()
            publish(publisher, camera, view.jpeg, number, began, view.size)
            result = _result_of(feed, sent_s)
            if result is not None:
                cost.add((perf_counter() - sent) * 1e3, len(result["faces"]))
            sleep(max(0.0, began + 1 / FPS - monotonic()))


def _result_of(feed: ClientConnection, captured_s: float) -> dict[str, Any] | None:
    """Return the result of a frame captured then; None where a busy machine left it out."""
    until = monotonic() + _PATIENCE_S
    while True:
        try:
            message: dict[str, Any] = json.loads(feed.recv(max(0.0, until - monotonic())))
        except TimeoutError:
            return None
        if message["event"] == RESULT and _captured_s(message) >= captured_s - _CLOCKS_S:
            return message


def _captured_s(message: dict[str, Any]) -> float:
    return datetime.fromisoformat(message["source"]["captured_at"]).timestamp()
