"""The cost of a frame by image size, faces, cameras and clients.

The points of a curve are measured alternately, so that background load affects all alike.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bench.harness.cameras import camera_process
from bench.harness.charts import Curve, curves
from bench.harness.run import Run, Scenario
from bench.harness.tables import Table, format_number
from bench.harness.usage import Usage, background_cores, sample_cpu
from bench.scenarios.load import by_clients
from bench.scenarios.scaling_modes import LIVE, PROCESSES, ROI, UPLOAD, ModeCosts, total_cpu_ms
from bench.scenarios.stream import record_stream
from bench.scenes.views import Size, View, views_by_faces, views_by_size

Point = tuple[str, Mapping[str, Any]]

_BUSY = ("measured processes, % of a core", "others")


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return the tables of all curves."""
    sizes = [(f"{of['width']}×{of['height']}", of) for of in result["sizes"]]
    faces = [(str(of["faces"]), of) for of in result["faces"]]
    return [
        _upload_table("Scaling: size of an image with two faces", "size", sizes),
        _live_table("Scaling: size of an image with two faces", "size", sizes),
        _upload_table("Scaling: faces in an image of 1280×720", "faces", faces),
        _live_table("Scaling: faces in an image of 1280×720", "faces", faces),
        _cameras_table(result["cameras"]),
        _clients_table(result["clients"]),
    ]


def _upload_table(title: str, along: str, points: Sequence[Point]) -> Table:
    rows = [
        (
            name,
            format_number(of[UPLOAD]["faces"]),
            *_process_cells(of[UPLOAD]["cpu_ms"]),
            format_number(of[UPLOAD]["wall_ms"]["p50"], 0),
        )
        for name, of in points
    ]
    return Table(f"{title}, POST /predict, ms a frame", (along, "found", *PROCESSES, "all", "wall p50"), rows)


def _live_table(title: str, along: str, points: Sequence[Point]) -> Table:
    rows = [
        (
            name,
            format_number(of[LIVE]["faces"]),
            format_number(of[ROI]["cpu_ms"].get("detector")),
            *_process_cells(of[LIVE]["cpu_ms"]),
            format_number(of[LIVE]["wall_ms"]["p50"], 0),
        )
        for name, of in points
    ]
    columns = (along, "found", "detector, ROIs only", *PROCESSES, "all", "wall p50")
    return Table(f"{title}, in a live session, ms a frame", columns, rows)


def _cameras_table(points: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        (
            str(of["cameras"]),
            format_number(of["analysed_per_s"]),
            format_number(of["analysed_share"]["all"] * 100, 0),
            *_process_cells(of["cpu_ms_per_frame"]),
            format_number(sum(of["cores"].values()) * 100, 0),
            format_number(of["background_cores"] * 100, 0),
            *(format_number(of["age_ms"][name], 0) for name in ("p50", "p95")),
            format_number(of["new_face_ms"]["p50"], 0),
        )
        for of in points
    ]
    columns = ("cameras", "frames/s", "% analysed", *PROCESSES, "all", *_BUSY, "age p50", "p95", "new face p50")
    return Table("Scaling: live sessions at 10 frames a second each, ms a frame", columns, rows)


def _clients_table(points: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        (
            str(of["clients"]),
            format_number(of["responses_per_s"]),
            *_process_cells(of["cpu_ms_per_response"]),
            format_number(sum(of["cores"].values()) * 100, 0),
            format_number(of["background_cores"] * 100, 0),
            *(format_number(of["answered_ms"][name], 0) for name in ("p50", "p95")),
        )
        for of in points
    ]
    columns = ("clients", "answers/s", *PROCESSES, "all", *_BUSY, "wall p50", "p95")
    return Table("Scaling: clients on POST /predict, ms an answer", columns, rows)


def _process_cells(cpu_ms: Mapping[str, float | None]) -> tuple[str, ...]:
    return (*(format_number(cpu_ms.get(name)) for name in PROCESSES), format_number(total_cpu_ms(cpu_ms)))


CAMERA_FPS = 10.0
"""Frame rate of each camera: at 30, one or two cameras would use both processors."""

SIZES: tuple[Size, ...] = ((640, 360), (960, 540), (1280, 720), (1920, 1080))
FACES = (0, 1, 2, 4, 8)


def measure(run: Run) -> dict[str, Any]:
    """Measure all curves."""
    rng = np.random.default_rng(run.seed)
    sizes = _interleaved(run, "size", [f"{wide}x{tall}" for wide, tall in SIZES], lambda: views_by_size(SIZES, rng))
    faces = _interleaved(run, "faces", [str(number) for number in FACES], lambda: views_by_faces(FACES, rng))
    return {
        "sizes": [{"width": wide, "height": tall, **of} for (wide, tall), of in zip(SIZES, sizes, strict=True)],
        "faces": [{"faces": number, **of} for number, of in zip(FACES, faces, strict=True)],
        "cameras": _cameras(run),
        "clients": by_clients(run, "scaling", run.scale.scaling_clients, run.scale.scaling_s),
    }


def _interleaved(
    run: Run, what: str, points: Sequence[str], compose: Callable[[], Iterator[View]]
) -> list[dict[str, Any]]:
    """Measure one image of each point, then the next; return the cost of a frame at each point."""
    stack, each = run.stack(), run.scale.scaling_images
    mode_costs = [ModeCosts(stack) for _ in points]
    with run.step(f"scaling: {what}", each * len(points)) as step:
        for nth in range(each):
            for point, one, view in zip(points, mode_costs, compose(), strict=True):
                one.measure(view, f"{what}-{point}-{nth}", run.scale)
                step.advance()
    return [one.percentiles() for one in mode_costs]


def _cameras(run: Run) -> list[dict[str, Any]]:
    stack, scale, clip = run.stack(), run.scale, run.clip()
    measured = []
    with (
        camera_process(stack.redis_url, [frame.jpeg for frame in clip]) as cameras,
        run.step("scaling: numbers of cameras", len(scale.scaling_cameras)) as step,
    ):
        usage = Usage({**stack.pids, "cameras": cameras.pid, "viewer": os.getpid()})
        for number in scale.scaling_cameras:
            names = [f"scaling{number}-{index}" for index in range(number)]
            started = sample_cpu()
            of = asyncio.run(record_stream(stack, cameras, names, scale.scaling_s, usage, clip, CAMERA_FPS))
            measured.append({**of, "background_cores": background_cores(started, sample_cpu())})
            step.advance()
    return measured


SCENARIO = Scenario("cost of a frame by image size, faces, cameras and clients", measure, tables)

Of = Callable[[Mapping[str, Any]], float | None]


def size_chart(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    """Return the chart of the cost by image height."""
    return curves("Processor ms a frame, by lines", _image_curves(result["sizes"], "height"), left, top)


def faces_chart(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    """Return the chart of the cost by number of faces."""
    return curves("Processor ms a frame, by faces", _image_curves(result["faces"], "faces"), left, top)


def cameras_chart(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    """Return the chart of cost and age by number of cameras."""
    points = result["cameras"]
    drawn = [
        _curve("age p50", points, "cameras", lambda of: of["age_ms"]["p50"]),
        _curve("processor", points, "cameras", lambda of: total_cpu_ms(of["cpu_ms_per_frame"])),
    ]
    return curves("Ms a frame, by cameras at 10 frames/s", drawn, left, top)


def clients_chart(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    """Return the chart of cost and duration by number of clients."""
    points = result["clients"]
    drawn = [
        _curve("wall p50", points, "clients", lambda of: of["answered_ms"]["p50"]),
        _curve("processor", points, "clients", lambda of: total_cpu_ms(of["cpu_ms_per_response"])),
    ]
    return curves("Ms an answer, by clients on POST /predict", drawn, left, top)


def _image_curves(points: Iterable[Mapping[str, Any]], along: str) -> list[Curve]:
    modes = (("POST", UPLOAD), ("live", LIVE), ("ROIs only", ROI))
    kept = list(points)
    return [_curve(name, kept, along, _mode_cost(mode)) for name, mode in modes]


def _mode_cost(mode: str) -> Of:
    return lambda of: total_cpu_ms(of[mode]["cpu_ms"])


def _curve(name: str, points: Iterable[Mapping[str, Any]], along: str, cost: Of) -> Curve:
    """Return a curve through the points with a known cost."""
    return Curve(name, [(of[along], ms) for of in points if (ms := cost(of)) is not None])
