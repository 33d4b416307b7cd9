"""Live sessions of one to twelve cameras at 30 frames a second, all on one machine."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import time
from typing import Any

from bench.camera_process import CameraProcess, camera_process
from bench.clip import FPS, ClipFrame
from bench.figures import shown
from bench.run import Part, Run
from bench.stack import Stack
from bench.stream_figures import Watched, stream_figures
from bench.tables import Table
from bench.usage import Usage, between, cpu_ms_each
from bench.viewing import Viewer

_WARM_UP_S = 2.0
_LINGER_S = 0.5
"""How long results of the last frames are waited for."""


def measure(run: Run) -> dict[str, Any]:
    """Follow so many cameras, then more."""
    stack, scale = run.stack(), run.scale
    clip = run.clip()
    measured = []
    with (
        camera_process(stack.redis_url, [frame.jpeg for frame in clip]) as cameras,
        run.step("stream: numbers of cameras", len(scale.cameras)) as step,
    ):
        usage = Usage({**stack.pids, "cameras": cameras.pid, "viewer": os.getpid()})
        for number in scale.cameras:
            names = [f"of{number}-{index}" for index in range(number)]
            measured.append(asyncio.run(watch(stack, cameras, names, scale.stream_s, usage, clip)))
            step.advance()
    return {"clip": {"frames": len(clip), "fps": 30}, "by_cameras": measured}


async def watch(
    stack: Stack,
    cameras: CameraProcess,
    names: Sequence[str],
    seconds: float,
    usage: Usage,
    clip: Sequence[ClipFrame],
    fps: float = FPS,
) -> dict[str, Any]:
    """Follow these cameras for so long, at so many frames a second of each; return what came and what it cost."""
    shooting = await asyncio.to_thread(cameras.begin, names, fps)
    viewer = Viewer(stack.gateway_port, names)
    following = asyncio.create_task(viewer.follow())
    await asyncio.sleep(_WARM_UP_S)
    began, cpu_before = time(), usage.cpu_s()
    await asyncio.sleep(seconds)
    ended, cpu = time(), between(cpu_before, usage.cpu_s())
    await asyncio.sleep(_LINGER_S)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    shot = await asyncio.to_thread(cameras.end)
    watched = Watched(shooting, shot, clip, viewer.received(), began, ended)
    found = stream_figures(watched)
    return {
        "cameras": len(names),
        "seconds": ended - began,
        **found,
        "problems": {kind: viewer.problems().count(kind) for kind in sorted(set(viewer.problems()))},
        "cores": {name: used / (ended - began) for name, used in cpu.items()},
        "cpu_ms_a_frame": cpu_ms_each(cpu, found["analysed"]),
        "memory_mb": usage.memory_mb(),
    }


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return a table of results, one of drops, and one of what processes used."""
    measured = result["by_cameras"]
    seen = [
        (
            str(of["cameras"]),
            shown(of["analysed_a_second"]),
            shown(of["analysed_share"]["all"] * 100),
            shown(of["analysed_share"]["least_of_a_camera"] * 100),
            *(shown(of["age_ms"][name]) for name in ("p50", "p95", "p99")),
            *(shown(of["new_face_ms"][name], 0) for name in ("p50", "worst")),
            str(of["new_faces_missed"]),
            shown(of["faces_found_share"] * 100),
        )
        for of in measured
    ]
    columns = (
        "cameras",
        "frames/s",
        "% analysed",
        "least %",
        "age ms p50",
        "p95",
        "p99",
        "new face ms p50",
        "worst",
        "missed",
        "% faces found",
    )
    hops = list(measured[0]["dropped"])
    dropped = [
        (str(of["cameras"]), str(of["published"]), *(str(of["dropped"][hop]) for hop in hops)) for of in measured
    ]
    names = list(measured[0]["cores"])
    used = [
        (
            str(of["cameras"]),
            *(shown(of["cores"][name] * 100, 0) for name in names),
            *(shown(of["cpu_ms_a_frame"][name], 2) for name in names),
        )
        for of in measured
    ]
    used_columns = ("cameras", *(f"{name} %" for name in names), *(f"{name} ms" for name in names))
    return [
        Table("Stream: results of cameras at 30 frames a second", columns, seen),
        Table("Stream: frames left out, by hop", ("cameras", "published", *hops), dropped),
        Table("Stream: processor, % of a core, and ms for each analysed frame", used_columns, used),
    ]


PART = Part("live sessions of 1 to 12 cameras", measure, tables)
