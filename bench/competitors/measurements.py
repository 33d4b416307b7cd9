"""Single pictures that nobody has seen before: ours over HTTP, the others in their own processes."""

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

from bench.competitors.process import Found, PeerProcess
from bench.harness.cameras import CameraProcess, camera_process
from bench.harness.clients import Client, Viewer
from bench.harness.run import Run
from bench.harness.stack import Stack
from bench.harness.tables import figures
from bench.harness.usage import Usage, between
from bench.scenes.clip import compose
from bench.scenes.faces import shuffled
from services.contracts.geometry import Box, overlaps_any


@dataclass
class Looks:
    """What one system made of pictures whose faces are known."""

    found: list[Found] = field(default_factory=list)
    right: int = 0
    false: int = 0

    def add(self, found: Found, faces: Sequence[Box]) -> None:
        """Take what it made of one picture."""
        self.found.append(found)
        self.right += sum(overlaps_any(face, found.faces) for face in faces)
        self.false += sum(not overlaps_any(box, faces) for box in found.faces)

    @property
    def seconds(self) -> list[float]:
        """What each picture took."""
        return [one.seconds for one in self.found]

    @property
    def cpu_seconds(self) -> list[float]:
        """The processor time of each picture, where it is known."""
        return [one.cpu_seconds for one in self.found if one.cpu_seconds is not None]

    def summary(self) -> dict[str, Any]:
        """Return milliseconds, faces and emotions for the JSON file."""
        emotions = Counter(emotion for one in self.found for emotion in one.emotions if emotion is not None)
        return {
            "wall_ms": figures(value * 1e3 for value in self.seconds),
            "cpu_ms": figures(value * 1e3 for value in self.cpu_seconds),
            "faces_found": self.right,
            "false_faces": self.false,
            "emotions": dict(sorted(emotions.items())),
        }


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """Return the ratio of the medians, and how the single ratios spread: ``p5``, ``p50``, ``p95``.

    Args:
        ours: Costs of ours.
        theirs: Costs of the other system, of the same work in the same order.
    """
    each = np.divide(ours, theirs)
    return {
        "of_medians": float(np.median(ours) / np.median(theirs)),
        **{f"p{share}": float(np.percentile(each, share)) for share in (5, 50, 95)},
    }


def write_frames(folder: Path, jpegs: Sequence[bytes]) -> list[Path]:
    """Write each JPEG to a file, and return the files in the same order; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{index:05d}.jpg" for index in range(len(jpegs))]
    for path, jpeg in zip(paths, jpegs, strict=True):
        path.write_bytes(jpeg)
    return paths


OURS = "ours"
PROCESSES = ("detector", "gateway", "serving")
_WARM_UP = 3


def measure_pictures(run: Run, peers: Mapping[str, PeerProcess], each: int) -> dict[str, Any]:
    """Have each system look at each picture, in turn, and begin with another one each time.

    Args:
        run: The run.
        peers: The others by name.
        each: Pictures of each kind.
    """
    stack = run.stack()
    with run.step("pictures: compose", None):
        scenes = shuffled(each, run.seed)
        paths = write_frames(run.folder / "pictures", [scene.jpeg for scene in scenes])
    client = Client(stack.gateway_port)
    lookers: dict[str, Callable[[Path], Found]] = {OURS: lambda path: _upload(client, path)}
    lookers |= {name: peer.look for name, peer in peers.items()}
    looks = {name: Looks() for name in lookers}
    for look in lookers.values():
        for path in paths[:_WARM_UP]:
            look(path)
    usage = Usage({name: stack.pids[name] for name in PROCESSES})
    before = usage.cpu_s()
    turns = run.over("pictures", list(enumerate(zip(scenes, paths, strict=True)))[_WARM_UP:], len(scenes) - _WARM_UP)
    for turn, (scene, path) in turns:
        for name in _beginning_with(turn, lookers):
            looks[name].add(lookers[name](path), scene.faces)
    used = between(before, usage.cpu_s())
    return {
        "pictures": len(scenes) - _WARM_UP,
        "faces": sum(len(scene.faces) for scene in scenes[_WARM_UP:]),
        "systems": {name: of.summary() for name, of in looks.items()},
        "ours_cpu_ms_a_picture": {name: value * 1e3 / (len(scenes) - _WARM_UP) for name, value in used.items()},
        "wall_of_ours_to": {name: ratios(looks[OURS].seconds, looks[name].seconds) for name in peers},
    }


def _beginning_with(turn: int, lookers: Mapping[str, Callable[[Path], Found]]) -> list[str]:
    names = list(lookers)
    first = turn % len(names)
    return names[first:] + names[:first]


def _upload(client: Client, path: Path) -> Found:
    answer = client.upload(path.read_bytes())
    client.close()  # the others take so long that the gateway may end an idle connection; a new one is part of the time
    assert answer.failure is None, f"the gateway answered {answer.status}: {answer.body}"
    faces = answer.body["faces"]
    boxes = tuple(Box(**face["box"]) for face in faces)
    return Found(answer.wall_ms / 1e3, None, boxes, tuple(face["emotion"] for face in faces))


_WARM_UP_S = 2.0


def measure_stream(
    run: Run, peers: Mapping[str, PeerProcess], rounds: int, seconds: float, sampled: int
) -> dict[str, Any]:
    """Alternate: some seconds of a live session, then frames of the same clip for each of the others.

    Args:
        run: The run.
        peers: The others by name.
        rounds: How often.
        seconds: How long each session is measured.
        sampled: How many frames each of the others is asked about in a round; no faster than they can.
    """
    stack, total = run.stack(), run.scale.clip_frames
    clip = [frame.jpeg for frame in run.over("stream: compose", compose(total, run.seed, guests=False), total)]
    paths = write_frames(run.folder / "clip", clip)
    rng = np.random.default_rng(run.seed)
    measured: list[dict[str, Any]] = []
    with camera_process(stack.redis_url, clip) as cameras:
        for number in run.over("stream: rounds", range(rounds), rounds):
            ours = asyncio.run(_session(stack, cameras, f"round{number}", seconds))
            chosen = [paths[index] for index in rng.choice(total, sampled, replace=False)]
            looks = {name: [peer.look(path) for path in chosen] for name, peer in peers.items()}
            theirs = {name: [one.cpu_seconds or 0.0 for one in of] for name, of in looks.items()}
            measured.append(
                {
                    "ours": ours,
                    **{name: {"cpu_ms_a_frame": median(of) * 1e3} for name, of in theirs.items()},
                    "frames_with_a_face": {name: sum(bool(one.faces) for one in of) for name, of in looks.items()},
                }
            )
    costs = {name: [one[name]["cpu_ms_a_frame"] for one in measured] for name in ("ours", *peers)}
    return {
        "rounds": measured,
        "sampled_a_round": sampled,
        "cpu_ms_a_frame": {name: median(of) for name, of in costs.items()},
        "cpu_of_ours_to": {name: ratios(costs["ours"], costs[name]) for name in peers},
    }


async def _session(stack: Stack, cameras: CameraProcess, camera: str, seconds: float) -> dict[str, Any]:
    await asyncio.to_thread(cameras.begin, [camera])
    viewer, usage = Viewer(stack.gateway_port, [camera]), Usage({name: stack.pids[name] for name in PROCESSES})
    following = asyncio.create_task(viewer.follow())
    await asyncio.sleep(_WARM_UP_S)
    began, before = time(), usage.cpu_s()
    await asyncio.sleep(seconds)
    ended, used = time(), between(before, usage.cpu_s())
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    await asyncio.to_thread(cameras.end)
    results = [one for one in viewer.received() if began <= one.at_s < ended]
    analysed = max(1, len(results))
    return {
        "frames_a_second": len(results) / (ended - began),
        "cpu_ms_a_frame": sum(used.values()) * 1e3 / analysed,
        "by_process": {name: value * 1e3 / analysed for name, value in used.items()},
        "with_a_face": sum(bool(one.result["faces"]) for one in results) / analysed,
    }
