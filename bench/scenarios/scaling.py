"""Measures each curve at a few points, those of pictures in turn: what else the machine does meets all alike."""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bench.harness.cameras import camera_process
from bench.harness.charts import Curve, curves
from bench.harness.run import Part, Run
from bench.harness.tables import Table, shown
from bench.harness.usage import Usage, now, others_cores
from bench.scenarios.load import by_clients
from bench.scenarios.scaling_modes import HINTS, LIVE, PROCESSES, UPLOAD, Asked, together_ms
from bench.scenarios.stream import watch
from bench.scenes.views import Size, View, crowds, sized

Point = tuple[str, Mapping[str, Any]]

_BUSY = ("measured processes, % of a core", "others")


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return the tables of each curve."""
    sizes = [(f"{of['width']}×{of['height']}", of) for of in result["sizes"]]
    faces = [(str(of["faces"]), of) for of in result["faces"]]
    return [
        _uploaded("Growth: sizes of a picture with two faces", "size", sizes),
        _followed("Growth: sizes of a picture with two faces", "size", sizes),
        _uploaded("Growth: faces in a picture of 1280×720", "faces", faces),
        _followed("Growth: faces in a picture of 1280×720", "faces", faces),
        _of_cameras(result["cameras"]),
        _of_clients(result["clients"]),
    ]


def _uploaded(title: str, along: str, points: Sequence[Point]) -> Table:
    rows = [
        (name, shown(of[UPLOAD]["faces"]), *_by_process(of[UPLOAD]["cpu_ms"]), shown(of[UPLOAD]["wall_ms"]["p50"], 0))
        for name, of in points
    ]
    return Table(f"{title}, POST /predict, ms a frame", (along, "found", *PROCESSES, "all", "wall p50"), rows)


def _followed(title: str, along: str, points: Sequence[Point]) -> Table:
    rows = [
        (
            name,
            shown(of[LIVE]["faces"]),
            shown(of[HINTS]["cpu_ms"].get("detector")),
            *_by_process(of[LIVE]["cpu_ms"]),
            shown(of[LIVE]["wall_ms"]["p50"], 0),
        )
        for name, of in points
    ]
    columns = (along, "found", "detector, hints only", *PROCESSES, "all", "wall p50")
    return Table(f"{title}, in a live session, ms a frame", columns, rows)


def _of_cameras(points: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        (
            str(of["cameras"]),
            shown(of["analysed_a_second"]),
            shown(of["analysed_share"]["all"] * 100, 0),
            *_by_process(of["cpu_ms_a_frame"]),
            shown(sum(of["cores"].values()) * 100, 0),
            shown(of["others_cores"] * 100, 0),
            *(shown(of["age_ms"][name], 0) for name in ("p50", "p95")),
            shown(of["new_face_ms"]["p50"], 0),
        )
        for of in points
    ]
    columns = ("cameras", "frames/s", "% analysed", *PROCESSES, "all", *_BUSY, "age p50", "p95", "new face p50")
    return Table("Growth: live sessions at 10 frames a second each, ms a frame", columns, rows)


def _of_clients(points: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        (
            str(of["clients"]),
            shown(of["answers_a_second"]),
            *_by_process(of["cpu_ms_an_answer"]),
            shown(sum(of["cores"].values()) * 100, 0),
            shown(of["others_cores"] * 100, 0),
            *(shown(of["answered_ms"][name], 0) for name in ("p50", "p95")),
        )
        for of in points
    ]
    columns = ("clients", "answers/s", *PROCESSES, "all", *_BUSY, "wall p50", "p95")
    return Table("Growth: clients on POST /predict, ms an answer", columns, rows)


def _by_process(cpu_ms: Mapping[str, float | None]) -> tuple[str, ...]:
    return (*(shown(cpu_ms.get(name)) for name in PROCESSES), shown(together_ms(cpu_ms)))


CAMERA_FPS = 10.0
"""Of each camera: at 30, one or two would have all there is of two processors."""

SIZES: tuple[Size, ...] = ((640, 360), (960, 540), (1280, 720), (1920, 1080))
FACES = (0, 1, 2, 4, 8)


def measure(run: Run) -> dict[str, Any]:
    """Measure the four curves."""
    rng = np.random.default_rng(run.seed)
    sizes = _in_turn(run, "size", [f"{wide}x{tall}" for wide, tall in SIZES], lambda: sized(SIZES, rng))
    faces = _in_turn(run, "faces", [str(number) for number in FACES], lambda: crowds(FACES, rng))
    return {
        "sizes": [{"width": wide, "height": tall, **of} for (wide, tall), of in zip(SIZES, sizes, strict=True)],
        "faces": [{"faces": number, **of} for number, of in zip(FACES, faces, strict=True)],
        "cameras": _cameras(run),
        "clients": by_clients(run, "growth", run.scale.growth_clients, run.scale.growth_s),
    }


def _in_turn(run: Run, what: str, points: Sequence[str], compose: Callable[[], Iterator[View]]) -> list[dict[str, Any]]:
    """Ask about a picture of each point, then about another; return what a frame costs at each point."""
    stack, each = run.stack(), run.scale.growth_pictures
    asked = [Asked(stack) for _ in points]
    with run.step(f"growth: {what}", each * len(points)) as step:
        for nth in range(each):
            for point, one, view in zip(points, asked, compose(), strict=True):
                one.ask(view, f"{what}-{point}-{nth}", run.scale)
                step.advance()
    return [one.figures() for one in asked]


def _cameras(run: Run) -> list[dict[str, Any]]:
    stack, scale, clip = run.stack(), run.scale, run.clip()
    measured = []
    with (
        camera_process(stack.redis_url, [frame.jpeg for frame in clip]) as cameras,
        run.step("growth: numbers of cameras", len(scale.growth_cameras)) as step,
    ):
        usage = Usage({**stack.pids, "cameras": cameras.pid, "viewer": os.getpid()})
        for number in scale.growth_cameras:
            names = [f"growth{number}-{index}" for index in range(number)]
            began = now()
            of = asyncio.run(watch(stack, cameras, names, scale.growth_s, usage, clip, CAMERA_FPS))
            measured.append({**of, "others_cores": others_cores(began, now())})
            step.advance()
    return measured


PART = Part("how the cost of a frame grows with its size, faces, cameras and clients", measure, tables)

Of = Callable[[Mapping[str, Any]], float | None]


def size_chart(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    """Draw what a frame costs, by the picture's height."""
    return curves("Processor ms a frame, by lines", _of_pictures(result["sizes"], "height"), left, top)


def faces_chart(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    """Draw what a frame costs, by the faces in it."""
    return curves("Processor ms a frame, by faces", _of_pictures(result["faces"], "faces"), left, top)


def cameras_chart(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    """Draw what a frame costs and how old its result is, by the number of cameras."""
    points = result["cameras"]
    drawn = [
        _curve("age p50", points, "cameras", lambda of: of["age_ms"]["p50"]),
        _curve("processor", points, "cameras", lambda of: together_ms(of["cpu_ms_a_frame"])),
    ]
    return curves("Ms a frame, by cameras at 10 frames/s", drawn, left, top)


def clients_chart(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    """Draw what an answer costs and how long it takes, by the number of clients."""
    points = result["clients"]
    drawn = [
        _curve("wall p50", points, "clients", lambda of: of["answered_ms"]["p50"]),
        _curve("processor", points, "clients", lambda of: together_ms(of["cpu_ms_an_answer"])),
    ]
    return curves("Ms an answer, by clients on POST /predict", drawn, left, top)


def _of_pictures(points: Iterable[Mapping[str, Any]], along: str) -> list[Curve]:
    ways = (("POST", UPLOAD), ("live", LIVE), ("hints only", HINTS))
    kept = list(points)
    return [_curve(name, kept, along, _cost_of(way)) for name, way in ways]


def _cost_of(way: str) -> Of:
    return lambda of: together_ms(of[way]["cpu_ms"])


def _curve(name: str, points: Iterable[Mapping[str, Any]], along: str, cost: Of) -> Curve:
    """Return a curve through the points where the cost is known."""
    return Curve(name, [(of[along], ms) for of in points if (ms := cost(of)) is not None])
