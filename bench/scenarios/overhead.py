"""What the way through the system adds: ``/predict`` and a live session beside the floor, on the same pictures.

All are asked in turn, so that what else the machine does meets each alike.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic, perf_counter, sleep
from typing import Any

import numpy as np
from websockets.sync.client import ClientConnection, connect

from bench.harness.cameras import announce, publish
from bench.harness.clients import Answer, Client
from bench.harness.run import Part, Run
from bench.harness.stack import Stack
from bench.harness.tables import Table, figures, ratio, shown
from bench.scenarios.baseline import Floor, floor_process
from bench.scenes.clip import FPS, compose
from bench.scenes.faces import Scene
from launcher.ports import LOOPBACK
from services.capture.redis_publisher import RedisPublisher
from services.contracts.geometry import Box
from services.contracts.live import RESULT

_CAMERA = "live"
_WARM_UP = 15
"""Frames until the session knows its faces."""

_PATIENCE_S = 5.0


def measure_live(run: Run, stack: Stack, floor: Floor) -> dict[str, Any]:
    """Publish a frame, wait for its result, and do the same work beside; the next frame comes a period later."""
    total = run.scale.live_frames + _WARM_UP
    publisher = RedisPublisher(stack.redis_url)
    frames = list(run.over("path: compose frames", compose(total, run.seed), total))
    wall, floor_ms, added, hops = [], [], [], []
    hints: list[Box] = []
    announce(publisher, [_CAMERA])
    with connect(f"ws://{LOOPBACK}:{stack.gateway_port}/ws/cameras/{_CAMERA}", proxy=None) as feed:
        for index, frame in enumerate(run.over("path: live frames", frames, total)):
            began = monotonic()
            if index % round(FPS) == 0:
                announce(publisher, [_CAMERA])
            sent = perf_counter()
            publish(publisher, _CAMERA, frame.jpeg, index, began)
            result = _result(feed)
            took_ms = (perf_counter() - sent) * 1e3
            worked = floor.work(frame.jpeg, hints)
            if index >= _WARM_UP and hints:
                wall.append(took_ms)
                floor_ms.append(worked.total)
                added.append(took_ms - worked.total)
                hops.append(result["timings_ms"])
            hints = [Box(**face["box"]) for face in result["faces"]]
            sleep(max(0.0, began + 1 / FPS - monotonic()))
    publisher.close()
    wall_figures, floor_figures = figures(wall), figures(floor_ms)
    return {
        "live": {
            "floor_ms": floor_figures,
            "wall_ms": wall_figures,
            "over_floor": {name: ratio(wall_figures, floor_figures, name) for name in ("p50", "p95", "p99")},
            "added_ms": figures(added),
            "hops_ms": {hop: figures(one[hop] for one in hops) for hop in ("frame", "detect", "infer", "total")},
        }
    }


def _result(feed: ClientConnection) -> Mapping[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(feed.recv(_PATIENCE_S))
        if message["event"] == RESULT:
            return message


_CAMERAS = tuple(f"path{number}" for number in range(8))
"""Asked in turn: who is asked twice within a second gets a live session."""

HOPS = ("frame", "detect", "infer", "total")
_WARM_UP_path = 5


@dataclass
class _Way:
    """The answers that came one way."""

    wall_ms: list[float] = field(default_factory=list)
    added_ms: list[float] = field(default_factory=list)
    hops: list[Mapping[str, float]] = field(default_factory=list)

    def add(self, answer: Answer, floor_ms: float) -> None:
        assert answer.failure is None, f"the gateway answered {answer.status}: {answer.body}"
        self.wall_ms.append(answer.wall_ms)
        self.added_ms.append(answer.wall_ms - floor_ms)
        self.hops.append(answer.body["timings_ms"])


def measure(run: Run) -> dict[str, Any]:
    """Ask about each picture both ways, with the floor in between."""
    stack, scenes = run.stack(), run.pictures()
    with floor_process() as floor:
        cold = _measure_cold(run, stack, floor, scenes)
        return cold | measure_live(run, stack, floor)


def _measure_cold(run: Run, stack: Stack, floor: Floor, scenes: Sequence[Scene]) -> dict[str, Any]:
    client, publisher = Client(stack.gateway_port), RedisPublisher(stack.redis_url)
    uploads, cameras, floor_ms = _Way(), _Way(), []
    rng = np.random.default_rng(run.seed)

    def ask_camera(index: int, scene: Scene) -> Answer:
        camera = _CAMERAS[index % len(_CAMERAS)]
        announce(publisher, [camera])
        publish(publisher, camera, scene.jpeg, index, monotonic())
        return client.newest(camera)

    try:
        for scene in scenes[:_WARM_UP_path]:
            client.upload(scene.jpeg)
            floor.work(scene.jpeg)
        for index, scene in enumerate(run.over("path: /predict", scenes, len(scenes))):
            # In an order that changes, so that nobody always follows the same one.
            answers: dict[str, Answer] = {}
            for way in rng.permutation(["floor", "upload", "camera"]):
                if way == "floor":
                    floor_ms.append(floor.work(scene.jpeg).total)
                else:
                    answers[way] = client.upload(scene.jpeg) if way == "upload" else ask_camera(index, scene)
            uploads.add(answers["upload"], floor_ms[-1])
            cameras.add(answers["camera"], floor_ms[-1])
    finally:
        client.close()
        publisher.close()
    floor_figures = figures(floor_ms)
    return {
        "floor_ms": floor_figures,
        "post": _way(uploads, floor_figures),
        "get": _way(cameras, floor_figures),
    }


def _way(way: _Way, floor_figures: Mapping[str, Any]) -> dict[str, Any]:
    wall = figures(way.wall_ms)
    return {
        "wall_ms": wall,
        "over_floor": {name: ratio(wall, floor_figures, name) for name in ("p50", "p95", "p99")},
        "added_ms": figures(way.added_ms),
        "hops_ms": {hop: figures(one[hop] for one in way.hops) for hop in HOPS},
    }


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return a table of the ways, and one of their hops."""
    names = ("p50", "p95", "p99")
    rows = [("floor, no hints", *(shown(result["floor_ms"][name]) for name in names), "", "", "")]
    for title, key in (("POST /predict", "post"), ("GET /predict, no session", "get")):
        of = result[key]
        rows.append((title, *(shown(of["wall_ms"][name]) for name in names), *_beside(of)))
    live = result["live"]
    rows.append(("floor, hinted", *(shown(live["floor_ms"][name]) for name in names), "", "", ""))
    rows.append(("frame of a live session", *(shown(live["wall_ms"][name]) for name in names), *_beside(live)))
    hops = [
        (title, *(shown(result[key]["hops_ms"][hop][name], 2) for hop in HOPS for name in ("p50", "p99")))
        for title, key in (("POST", "post"), ("GET", "get"), ("live", "live"))
    ]
    columns = ("", "ms p50", "p95", "p99", "× floor p50", "× floor p99", "ms added p50")
    hop_columns = ("", *(f"{hop} {name}" for hop in HOPS for name in ("p50", "p99")))
    return [Table("Path: one client, beside the floor", columns, rows), Table("Path: ms by hop", hop_columns, hops)]


def _beside(of: Mapping[str, Any]) -> tuple[str, str, str]:
    over = of["over_floor"]
    return shown(over["p50"], 2), shown(over["p99"], 2), shown(of["added_ms"]["p50"], 2)


PART = Part("/predict and a live session beside the floor", measure, tables)
