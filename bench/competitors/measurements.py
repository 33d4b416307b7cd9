"""The measurements: single images, and a live stream of one moving face."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import time
from typing import Any

import numpy as np

from bench.competitors.process import CompetitorProcess, CompetitorResult
from bench.harness.cameras import CameraProcess, camera_process
from bench.harness.clients import Client, LiveClient
from bench.harness.run import Run
from bench.harness.stack import Stack
from bench.harness.tables import percentiles
from bench.harness.usage import Usage, difference
from bench.scenes.clip import compose
from bench.scenes.faces import shuffled
from services.contracts.geometry import Box, overlaps_any


@dataclass
class PredictionStats:
    """Results of one system on images with known faces."""

    found: list[CompetitorResult] = field(default_factory=list)
    right: int = 0
    false: int = 0

    def add(self, found: CompetitorResult, faces: Sequence[Box]) -> None:
        """Add the result for an image."""
        self.found.append(found)
        self.right += sum(overlaps_any(face, found.faces) for face in faces)
        self.false += sum(not overlaps_any(box, faces) for box in found.faces)

    @property
    def seconds(self) -> list[float]:
        """Duration of each image."""
        return [one.seconds for one in self.found]

    @property
    def cpu_seconds(self) -> list[float]:
        """Processor time of each image, if known."""
        return [one.cpu_seconds for one in self.found if one.cpu_seconds is not None]

    def summary(self) -> dict[str, Any]:
        """Return the statistics for the JSON report."""
        emotions = Counter(emotion for one in self.found for emotion in one.emotions if emotion is not None)
        return {
            "wall_ms": percentiles(value * 1e3 for value in self.seconds),
            "cpu_ms": percentiles(value * 1e3 for value in self.cpu_seconds),
            "faces_found": self.right,
            "false_faces": self.false,
            "emotions": dict(sorted(emotions.items())),
        }


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """Return the ratio of the medians, and percentiles of the single ratios: ``p5``, ``p50``, ``p95``.

    Args:
        ours: Costs of this system.
        theirs: Costs of the other system for the same images in the same order.
    """
    each = np.divide(ours, theirs)
    return {
        "of_medians": float(np.median(ours) / np.median(theirs)),
        **{f"p{share}": float(np.percentile(each, share)) for share in (5, 50, 95)},
    }


def write_images(folder: Path, jpegs: Sequence[bytes]) -> list[Path]:
    """Write each JPEG to a file in a folder, which is created; return the paths in order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{index:05d}.jpg" for index in range(len(jpegs))]
    for path, jpeg in zip(paths, jpegs, strict=True):
        path.write_bytes(jpeg)
    return paths


OURS = "ours"
PROCESSES = ("detector", "gateway", "serving")
_WARM_UP = 3


def measure_images(run: Run, competitors: Mapping[str, CompetitorProcess], each: int) -> dict[str, Any]:
    """Run each system on each image, in a rotating order.

    Args:
        run: The run of the benchmarks.
        peers: The others by name.
        each: Images of each kind.
    """
    stack = run.stack()
    with run.step("images: compose", None):
        scenes = shuffled(each, run.seed)
        paths = write_images(run.folder / "images", [scene.jpeg for scene in scenes])
    client = Client(stack.gateway_port)
    predictors: dict[str, Callable[[Path], CompetitorResult]] = {OURS: lambda path: _upload(client, path)}
    predictors |= {name: competitor.predict for name, competitor in competitors.items()}
    stats = {name: PredictionStats() for name in predictors}
    for predict in predictors.values():
        for path in paths[:_WARM_UP]:
            predict(path)
    usage = Usage({name: stack.pids[name] for name in PROCESSES})
    before = usage.cpu_s()
    turns = run.track("images", list(enumerate(zip(scenes, paths, strict=True)))[_WARM_UP:], len(scenes) - _WARM_UP)
    for turn, (scene, path) in turns:
        for name in _beginning_with(turn, predictors):
            stats[name].add(predictors[name](path), scene.faces)
    used = difference(before, usage.cpu_s())
    return {
        "images": len(scenes) - _WARM_UP,
        "faces": sum(len(scene.faces) for scene in scenes[_WARM_UP:]),
        "systems": {name: of.summary() for name, of in stats.items()},
        "own_cpu_ms_per_image": {name: value * 1e3 / (len(scenes) - _WARM_UP) for name, value in used.items()},
        "wall_ratio_to": {name: ratios(stats[OURS].seconds, stats[name].seconds) for name in competitors},
    }


def _beginning_with(turn: int, predictors: Mapping[str, Callable[[Path], CompetitorResult]]) -> list[str]:
    names = list(predictors)
    first = turn % len(names)
    return names[first:] + names[:first]


def _upload(client: Client, path: Path) -> CompetitorResult:
    answer = client.upload(path.read_bytes())
    client.close()  # the gateway may close a connection that is idle meanwhile; a new one is part of the time
    assert answer.failure is None, f"the gateway answered {answer.status}: {answer.body}"
    faces = answer.body["faces"]
    boxes = tuple(Box(**face["box"]) for face in faces)
    return CompetitorResult(answer.wall_ms / 1e3, None, boxes, tuple(face["emotion"] for face in faces))


_WARM_UP_S = 2.0


def measure_stream(
    run: Run, competitors: Mapping[str, CompetitorProcess], rounds: int, seconds: float, sampled: int
) -> dict[str, Any]:
    """Alternate between a live session and frames of the same clip for each competitor.

    Args:
        run: The run of the benchmarks.
        peers: The others by name.
        rounds: Number of rounds.
        seconds: Seconds of each live session.
        sampled: Frames for each competitor in a round, one after the other.
    """
    stack, total = run.stack(), run.scale.clip_frames
    clip = [frame.jpeg for frame in run.track("stream: compose", compose(total, run.seed, guests=False), total)]
    paths = write_images(run.folder / "clip", clip)
    rng = np.random.default_rng(run.seed)
    measured: list[dict[str, Any]] = []
    with camera_process(stack.redis_url, clip) as cameras:
        for number in run.track("stream: rounds", range(rounds), rounds):
            ours = asyncio.run(_session(stack, cameras, f"round{number}", seconds))
            chosen = [paths[index] for index in rng.choice(total, sampled, replace=False)]
            stats = {name: [competitor.predict(path) for path in chosen] for name, competitor in competitors.items()}
            theirs = {name: [one.cpu_seconds or 0.0 for one in of] for name, of in stats.items()}
            measured.append(
                {
                    "ours": ours,
                    **{name: {"cpu_ms_per_frame": median(of) * 1e3} for name, of in theirs.items()},
                    "frames_with_a_face": {name: sum(bool(one.faces) for one in of) for name, of in stats.items()},
                }
            )
    costs = {name: [one[name]["cpu_ms_per_frame"] for one in measured] for name in ("ours", *competitors)}
    return {
        "rounds": measured,
        "sampled_per_round": sampled,
        "cpu_ms_per_frame": {name: median(of) for name, of in costs.items()},
        "cpu_ratio_to": {name: ratios(costs["ours"], costs[name]) for name in competitors},
    }


async def _session(stack: Stack, cameras: CameraProcess, camera: str, seconds: float) -> dict[str, Any]:
    await asyncio.to_thread(cameras.begin, [camera])
    live_client, usage = LiveClient(stack.gateway_port, [camera]), Usage({name: stack.pids[name] for name in PROCESSES})
    following = asyncio.create_task(live_client.follow())
    await asyncio.sleep(_WARM_UP_S)
    started, before = time(), usage.cpu_s()
    await asyncio.sleep(seconds)
    ended, used = time(), difference(before, usage.cpu_s())
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    await asyncio.to_thread(cameras.end)
    results = [one for one in live_client.results() if started <= one.at_s < ended]
    analysed = max(1, len(results))
    return {
        "frames_per_s": len(results) / (ended - started),
        "cpu_ms_per_frame": sum(used.values()) * 1e3 / analysed,
        "by_process": {name: value * 1e3 / analysed for name, value in used.items()},
        "with_a_face": sum(bool(one.result["faces"]) for one in results) / analysed,
    }
