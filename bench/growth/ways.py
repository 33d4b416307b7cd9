"""The ways in which a picture is asked about: an upload, a detector with hints, and a live session."""

import json
from collections.abc import Sequence
from datetime import datetime
from time import monotonic, perf_counter, sleep, time
from typing import Any

from websockets.sync.client import ClientConnection, connect

from bench.cameras import announce, publish
from bench.clip import FPS
from bench.floor import nudged
from bench.growth.cost import Cost
from bench.growth.pictures import View
from bench.http_client import Client
from bench.scale import Scale
from bench.stack import Stack
from bench.usage import Usage
from launcher.ports import LOOPBACK
from services.capture.redis_publisher import RedisPublisher
from services.contracts.live import RESULT

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
        publisher.withdraw([camera])
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
