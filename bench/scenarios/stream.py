"""Live sessions of 1 to 12 cameras at 30 frames a second on one machine."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import time
from typing import Any

from bench.harness.cameras import CameraProcess, CameraRun, FrameCounts, camera_process
from bench.harness.clients import LiveClient, ReceivedResult
from bench.harness.run import Run, Scenario
from bench.harness.stack import Stack
from bench.harness.tables import Table, format_number, percentiles
from bench.harness.usage import Usage, cpu_ms_per, difference
from bench.scenes.clip import FPS, ClipFrame
from services.contracts.geometry import Box, overlaps_any


@dataclass(frozen=True)
class StreamRecording:
    """The recording of some seconds of live sessions.

    Attributes:
        shooting: When the cameras shot what.
        shot: What became of their frames.
        clip: What they showed.
        received: What came, in order, a little longer than until ``ended_s``.
        began_s: When watching began, in Unix seconds.
        ended_s: When it ended.
    """

    camera_run: CameraRun
    frame_counts: FrameCounts
    clip: Sequence[ClipFrame]
    results: Sequence[ReceivedResult]
    started_s: float
    ended_s: float

    def is_measured(self, camera: str, number: int) -> bool:
        """Return whether a frame was scheduled in the measured period."""
        return self.started_s <= self.camera_run.due_s(camera, number) < self.ended_s

    def number(self, one: ReceivedResult) -> int:
        """Return the number of a result's frame."""
        return self.camera_run.number(one.camera, one.captured_s)

    def frame(self, camera: str, number: int) -> ClipFrame:
        """Return a camera's frame in the clip."""
        return self.clip[self.camera_run.clip_index(camera, number)]


def stream_statistics(recording: StreamRecording) -> dict[str, Any]:
    """Return rates, ages, drops at each stage, and the delays of new faces."""
    seconds = recording.ended_s - recording.started_s
    results = [one for one in recording.results if recording.is_measured(one.camera, recording.number(one))]
    published = _counted(recording, recording.frame_counts.published)
    analysed = dict.fromkeys(recording.camera_run.cameras, 0)
    for camera, _ in {(one.camera, recording.number(one)) for one in results}:
        analysed[camera] += 1
    total, appeared = sum(analysed.values()), list(_new_face_delays_s(recording))
    dropped = {stage: sum(one.result["dropped"][stage] for one in results) for stage in ("detect", "infer", "viewer")}
    unread = max(0, sum(published.values()) - total - sum(dropped.values()))
    return {
        "published": sum(published.values()),
        "analysed": total,
        "analysed_per_s": total / seconds,
        "analysed_share": {
            "all": total / max(1, sum(published.values())),
            "min_of_a_camera": min(analysed[camera] / max(1, published[camera]) for camera in analysed),
        },
        "age_ms": percentiles((one.at_s - one.captured_s) * 1e3 for one in results),
        "ready_age_ms": percentiles(one.result["source"]["age_ms"] for one in results),
        "dropped": {
            "camera": sum(_counted(recording, recording.frame_counts.dropped).values()),
            "unread": unread,
            **dropped,
        },
        "faces_found_share": _found_share(recording, results),
        "new_face_ms": percentiles(took_s * 1e3 for took_s in appeared if took_s is not None),
        "new_faces_missed": appeared.count(None),
    }


def _counted(recording: StreamRecording, numbers: dict[str, list[int]]) -> dict[str, int]:
    return {camera: sum(recording.is_measured(camera, number) for number in of) for camera, of in numbers.items()}


def _new_face_delays_s(recording: StreamRecording) -> Iterator[float | None]:
    """Yield the seconds from each guest's first frame to the first result with the face; None if never found."""
    stays = recording.camera_run.guest_frames
    for camera in recording.camera_run.cameras:
        results = [(recording.number(one), one) for one in recording.results if one.camera == camera]
        last = recording.camera_run.number(camera, recording.ended_s)
        for number in range(max(1, recording.camera_run.number(camera, recording.started_s)), last - stays):
            comes = recording.frame(camera, number).guest is not None
            if comes and recording.frame(camera, number - 1).guest is None:
                visit = [(at, one) for at, one in results if number <= at < number + stays]
                seen = (one.at_s for at, one in visit if _has(one, recording.frame(camera, at).guest))
                first = next(seen, None)
                yield None if first is None else first - recording.camera_run.due_s(camera, number)


def _found_share(recording: StreamRecording, results: Sequence[ReceivedResult]) -> float:
    """Return the share of faces found in the analysed frames."""
    frames = [(one, recording.frame(one.camera, recording.number(one))) for one in results]
    face_counts = [(one, face) for one, frame in frames for face in (frame.resident, frame.guest) if face is not None]
    return sum(_has(one, face) for one, face in face_counts) / max(1, len(face_counts))


def _has(one: ReceivedResult, face: Box | None) -> bool:
    boxes = (Box(**found["box"]) for found in one.result["faces"])
    return face is not None and overlaps_any(face, boxes)


_WARM_UP_S = 2.0
_DRAIN_S = 0.5
"""Seconds to wait for the results of the last frames."""


def measure(run: Run) -> dict[str, Any]:
    """Measure each number of cameras."""
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
            measured.append(asyncio.run(record_stream(stack, cameras, names, scale.stream_s, usage, clip)))
            step.advance()
    return {"clip": {"frames": len(clip), "fps": 30}, "by_cameras": measured}


async def record_stream(
    stack: Stack,
    cameras: CameraProcess,
    names: Sequence[str],
    seconds: float,
    usage: Usage,
    clip: Sequence[ClipFrame],
    fps: float = FPS,
) -> dict[str, Any]:
    """Run live sessions of some cameras for some seconds; return their statistics and cost."""
    camera_run = await asyncio.to_thread(cameras.begin, names, fps)
    live_client = LiveClient(stack.gateway_port, names)
    following = asyncio.create_task(live_client.follow())
    await asyncio.sleep(_WARM_UP_S)
    started, cpu_before = time(), usage.cpu_s()
    await asyncio.sleep(seconds)
    ended, cpu = time(), difference(cpu_before, usage.cpu_s())
    await asyncio.sleep(_DRAIN_S)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    frame_counts = await asyncio.to_thread(cameras.end)
    recording = StreamRecording(camera_run, frame_counts, clip, live_client.results(), started, ended)
    found = stream_statistics(recording)
    return {
        "cameras": len(names),
        "seconds": ended - started,
        **found,
        "problems": {kind: live_client.problems().count(kind) for kind in sorted(set(live_client.problems()))},
        "cores": {name: used / (ended - started) for name, used in cpu.items()},
        "cpu_ms_per_frame": cpu_ms_per(cpu, found["analysed"]),
        "memory_mb": usage.memory_mb(),
    }


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return tables of results, drops and processor time."""
    measured = result["by_cameras"]
    seen = [
        (
            str(of["cameras"]),
            format_number(of["analysed_per_s"]),
            format_number(of["analysed_share"]["all"] * 100),
            format_number(of["analysed_share"]["min_of_a_camera"] * 100),
            *(format_number(of["age_ms"][name]) for name in ("p50", "p95", "p99")),
            *(format_number(of["new_face_ms"][name], 0) for name in ("p50", "worst")),
            str(of["new_faces_missed"]),
            format_number(of["faces_found_share"] * 100),
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
    stages = list(measured[0]["dropped"])
    dropped = [
        (str(of["cameras"]), str(of["published"]), *(str(of["dropped"][stage]) for stage in stages)) for of in measured
    ]
    names = list(measured[0]["cores"])
    used = [
        (
            str(of["cameras"]),
            *(format_number(of["cores"][name] * 100, 0) for name in names),
            *(format_number(of["cpu_ms_per_frame"][name], 2) for name in names),
        )
        for of in measured
    ]
    used_columns = ("cameras", *(f"{name} %" for name in names), *(f"{name} ms" for name in names))
    return [
        Table("Stream: results of cameras at 30 frames a second", columns, seen),
        Table("Stream: dropped frames, by stage", ("cameras", "published", *stages), dropped),
        Table("Stream: processor, % of a core, and ms for each analysed frame", used_columns, used),
    ]


SCENARIO = Scenario("live sessions of 1 to 12 cameras", measure, tables)
