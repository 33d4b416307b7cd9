"""One camera's live session, whose frames come one by one, beside the hinted floor."""

import json
from collections.abc import Mapping
from time import monotonic, perf_counter, sleep
from typing import Any

from websockets.sync.client import ClientConnection, connect

from bench.cameras import announce, publish
from bench.clip import FPS, compose
from bench.figures import figures, ratio
from bench.run import Run
from bench.stack import Stack
from bench.work import Floor
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
