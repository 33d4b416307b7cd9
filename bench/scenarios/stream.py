"""Live sessions of one to twelve cameras at 30 frames a second, all on one machine."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import time
from typing import Any

from bench.harness.cameras import CameraProcess, Shooting, Shot, camera_process
from bench.harness.clients import Received, Viewer
from bench.harness.run import Part, Run
from bench.harness.stack import Stack
from bench.harness.tables import Table, figures, shown
from bench.harness.usage import Usage, between, cpu_ms_each
from bench.scenes.clip import FPS, ClipFrame
from services.contracts.geometry import Box, overlaps_any


@dataclass(frozen=True)
class Watched:
    """What is known after a while of watching.

    Attributes:
        shooting: When the cameras shot what.
        shot: What became of their frames.
        clip: What they showed.
        received: What came, in order, a little longer than until ``ended_s``.
        began_s: When watching began, in Unix seconds.
        ended_s: When it ended.
    """

    shooting: Shooting
    shot: Shot
    clip: Sequence[ClipFrame]
    received: Sequence[Received]
    began_s: float
    ended_s: float

    def counts(self, camera: str, number: int) -> bool:
        """Tell whether a frame was due while it was watched."""
        return self.began_s <= self.shooting.due_s(camera, number) < self.ended_s

    def number(self, one: Received) -> int:
        """Return which of its camera's frames a result is about."""
        return self.shooting.number(one.camera, one.captured_s)

    def frame(self, camera: str, number: int) -> ClipFrame:
        """Return what a camera showed."""
        return self.clip[self.shooting.shown(camera, number)]


def stream_figures(watched: Watched) -> dict[str, Any]:
    """Return rates, ages, drops at each hop, and how long new faces took to show."""
    seconds = watched.ended_s - watched.began_s
    results = [one for one in watched.received if watched.counts(one.camera, watched.number(one))]
    published = _counted(watched, watched.shot.published)
    analysed = dict.fromkeys(watched.shooting.cameras, 0)
    for camera, _ in {(one.camera, watched.number(one)) for one in results}:
        analysed[camera] += 1
    total, appeared = sum(analysed.values()), list(_appearances(watched))
    dropped = {hop: sum(one.result["dropped"][hop] for one in results) for hop in ("detect", "infer", "viewer")}
    unread = max(0, sum(published.values()) - total - sum(dropped.values()))
    return {
        "published": sum(published.values()),
        "analysed": total,
        "analysed_a_second": total / seconds,
        "analysed_share": {
            "all": total / max(1, sum(published.values())),
            "least_of_a_camera": min(analysed[camera] / max(1, published[camera]) for camera in analysed),
        },
        "age_ms": figures((one.at_s - one.captured_s) * 1e3 for one in results),
        "ready_age_ms": figures(one.result["source"]["age_ms"] for one in results),
        "dropped": {"camera": sum(_counted(watched, watched.shot.dropped).values()), "unread": unread, **dropped},
        "faces_found_share": _found_share(watched, results),
        "new_face_ms": figures(took_s * 1e3 for took_s in appeared if took_s is not None),
        "new_faces_missed": appeared.count(None),
    }


def _counted(watched: Watched, numbers: dict[str, list[int]]) -> dict[str, int]:
    return {camera: sum(watched.counts(camera, number) for number in of) for camera, of in numbers.items()}


def _appearances(watched: Watched) -> Iterator[float | None]:
    """Yield the seconds from each guest's first frame to the first result with that face; None where none had it."""
    stays = watched.shooting.guest_stays
    for camera in watched.shooting.cameras:
        results = [(watched.number(one), one) for one in watched.received if one.camera == camera]
        last = watched.shooting.number(camera, watched.ended_s)
        for number in range(max(1, watched.shooting.number(camera, watched.began_s)), last - stays):
            comes = watched.frame(camera, number).guest is not None
            if comes and watched.frame(camera, number - 1).guest is None:
                visit = [(at, one) for at, one in results if number <= at < number + stays]
                seen = (one.at_s for at, one in visit if _has(one, watched.frame(camera, at).guest))
                first = next(seen, None)
                yield None if first is None else first - watched.shooting.due_s(camera, number)


def _found_share(watched: Watched, results: Sequence[Received]) -> float:
    """Return how many of the faces shown in the frames that were analysed were found."""
    frames = [(one, watched.frame(one.camera, watched.number(one))) for one in results]
    there = [(one, face) for one, frame in frames for face in (frame.resident, frame.guest) if face is not None]
    return sum(_has(one, face) for one, face in there) / max(1, len(there))


def _has(one: Received, face: Box | None) -> bool:
    boxes = (Box(**found["box"]) for found in one.result["faces"])
    return face is not None and overlaps_any(face, boxes)


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
