"""The time that the system adds: ``/predict`` and a live session compared with the baseline, on the same images.

The measurements alternate, so that background load affects all alike.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic, perf_counter, sleep
from typing import Any

import numpy as np
from websockets.sync.client import ClientConnection, connect

from bench.harness.cameras import announce, publish
from bench.harness.clients import Client, Response
from bench.harness.run import Run, Scenario
from bench.harness.stack import Stack
from bench.harness.tables import Table, format_number, percentiles, ratio
from bench.scenarios.baseline import InProcessPipeline, in_process_pipeline
from bench.scenes.clip import FPS, compose
from bench.scenes.faces import Scene
from launcher.ports import LOOPBACK
from services.capture.redis_publisher import RedisPublisher
from services.contracts.geometry import Box
from services.contracts.live import RESULT

_CAMERA = "live"
_WARM_UP = 15
"""Frames until the session tracks all faces."""

_TIMEOUT_S = 5.0


def measure_live(run: Run, stack: Stack, pipeline: InProcessPipeline) -> dict[str, Any]:
    """Publish a frame, wait for its result, and run the baseline on it; the next frame follows a period later."""
    total = run.scale.live_frames + _WARM_UP
    publisher = RedisPublisher(stack.redis_url)
    frames = list(run.track("overhead: compose frames", compose(total, run.seed), total))
    wall, baseline_ms, added, stages = [], [], [], []
    rois: list[Box] = []
    announce(publisher, [_CAMERA])
    with connect(f"ws://{LOOPBACK}:{stack.gateway_port}/ws/cameras/{_CAMERA}", proxy=None) as feed:
        for index, frame in enumerate(run.track("overhead: live frames", frames, total)):
            started = monotonic()
            if index % round(FPS) == 0:
                announce(publisher, [_CAMERA])
            sent = perf_counter()
            publish(publisher, _CAMERA, frame.jpeg, index, started)
            result = _result(feed)
            took_ms = (perf_counter() - sent) * 1e3
            times = pipeline.run(frame.jpeg, rois)
            if index >= _WARM_UP and rois:
                wall.append(took_ms)
                baseline_ms.append(times.total)
                added.append(took_ms - times.total)
                stages.append(result["timings_ms"])
            rois = [Box(**face["box"]) for face in result["faces"]]
            sleep(max(0.0, started + 1 / FPS - monotonic()))
    publisher.close()
    wall_figures, baseline = percentiles(wall), percentiles(baseline_ms)
    return {
        "live": {
            "baseline_ms": baseline,
            "wall_ms": wall_figures,
            "over_baseline": {name: ratio(wall_figures, baseline, name) for name in ("p50", "p95", "p99")},
            "added_ms": percentiles(added),
            "stages_ms": {
                stage: percentiles(one[stage] for one in stages) for stage in ("frame", "detect", "infer", "total")
            },
        }
    }


def _result(feed: ClientConnection) -> Mapping[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(feed.recv(_TIMEOUT_S))
        if message["event"] == RESULT:
            return message


_CAMERAS = tuple(f"overhead{number}" for number in range(8))
"""Used alternately: a camera that is requested twice within a second gets a live session."""

STAGES = ("frame", "detect", "infer", "total")
_WARM_UP_REQUESTS = 5


@dataclass
class _Responses:
    """The responses of one route."""

    wall_ms: list[float] = field(default_factory=list)
    added_ms: list[float] = field(default_factory=list)
    stages: list[Mapping[str, float]] = field(default_factory=list)

    def add(self, answer: Response, baseline_ms: float) -> None:
        assert answer.failure is None, f"the gateway responded with {answer.status}: {answer.body}"
        self.wall_ms.append(answer.wall_ms)
        self.added_ms.append(answer.wall_ms - baseline_ms)
        self.stages.append(answer.body["timings_ms"])


def measure(run: Run) -> dict[str, Any]:
    """Measure each image on both routes and in the baseline."""
    stack, scenes = run.stack(), run.images()
    with in_process_pipeline() as pipeline:
        full = _measure_predict(run, stack, pipeline, scenes)
        return full | measure_live(run, stack, pipeline)


def _measure_predict(run: Run, stack: Stack, pipeline: InProcessPipeline, scenes: Sequence[Scene]) -> dict[str, Any]:
    client, publisher = Client(stack.gateway_port), RedisPublisher(stack.redis_url)
    uploads, cameras, baseline_ms = _Responses(), _Responses(), []
    rng = np.random.default_rng(run.seed)

    def ask_camera(index: int, scene: Scene) -> Response:
        camera = _CAMERAS[index % len(_CAMERAS)]
        announce(publisher, [camera])
        publish(publisher, camera, scene.jpeg, index, monotonic())
        return client.predict_camera(camera)

    try:
        for scene in scenes[:_WARM_UP_REQUESTS]:
            client.upload(scene.jpeg)
            pipeline.run(scene.jpeg)
        for index, scene in enumerate(run.track("overhead: /predict", scenes, len(scenes))):
            # In random order, so that none always follows the same one.
            answers: dict[str, Response] = {}
            for mode in rng.permutation(["baseline", "upload", "camera"]):
                if mode == "baseline":
                    baseline_ms.append(pipeline.run(scene.jpeg).total)
                else:
                    answers[mode] = client.upload(scene.jpeg) if mode == "upload" else ask_camera(index, scene)
            uploads.add(answers["upload"], baseline_ms[-1])
            cameras.add(answers["camera"], baseline_ms[-1])
    finally:
        client.close()
        publisher.close()
    baseline = percentiles(baseline_ms)
    return {
        "baseline_ms": baseline,
        "post": _statistics(uploads, baseline),
        "get": _statistics(cameras, baseline),
    }


def _statistics(mode: _Responses, baseline: Mapping[str, Any]) -> dict[str, Any]:
    wall = percentiles(mode.wall_ms)
    return {
        "wall_ms": wall,
        "over_baseline": {name: ratio(wall, baseline, name) for name in ("p50", "p95", "p99")},
        "added_ms": percentiles(mode.added_ms),
        "stages_ms": {stage: percentiles(one[stage] for one in mode.stages) for stage in STAGES},
    }


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return a table of the routes, and one of their stages."""
    names = ("p50", "p95", "p99")
    rows = [("baseline, full search", *(format_number(result["baseline_ms"][name]) for name in names), "", "", "")]
    for title, key in (("POST /predict", "post"), ("GET /predict, no session", "get")):
        of = result[key]
        rows.append((title, *(format_number(of["wall_ms"][name]) for name in names), *_ratio_cells(of)))
    live = result["live"]
    rows.append(("baseline, ROI", *(format_number(live["baseline_ms"][name]) for name in names), "", "", ""))
    rows.append(
        ("frame of a live session", *(format_number(live["wall_ms"][name]) for name in names), *_ratio_cells(live))
    )
    stages = [
        (
            title,
            *(format_number(result[key]["stages_ms"][stage][name], 2) for stage in STAGES for name in ("p50", "p99")),
        )
        for title, key in (("POST", "post"), ("GET", "get"), ("live", "live"))
    ]
    columns = ("", "ms p50", "p95", "p99", "× baseline p50", "× baseline p99", "ms added p50")
    stage_columns = ("", *(f"{stage} {name}" for stage in STAGES for name in ("p50", "p99")))
    return [
        Table("Overhead: one client, compared with the baseline", columns, rows),
        Table("Overhead: ms by stage", stage_columns, stages),
    ]


def _ratio_cells(of: Mapping[str, Any]) -> tuple[str, str, str]:
    over = of["over_baseline"]
    return format_number(over["p50"], 2), format_number(over["p99"], 2), format_number(of["added_ms"]["p50"], 2)


SCENARIO = Scenario("/predict and a live session compared with the baseline", measure, tables)
