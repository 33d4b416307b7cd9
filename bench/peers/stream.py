"""A moving face at 30 frames a second: ours in a live session that analyses each frame, the others frame by frame."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from statistics import median
from time import time
from typing import Any

import numpy as np

from bench.camera_process import CameraProcess, camera_process
from bench.clip import compose
from bench.peers.comparison import ratios
from bench.peers.frames import write_frames
from bench.peers.pictures import PROCESSES
from bench.peers.process import PeerProcess
from bench.run import Run
from bench.stack import Stack
from bench.usage import Usage, between
from bench.viewing import Viewer

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
