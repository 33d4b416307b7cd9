"""What the work itself costs: decode, search, crop and model in one process, no network between."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.figures import figures, shown
from bench.run import Part, Run
from bench.tables import Table
from bench.work import Worked, floor_process
from services.contracts.geometry import Box

_NUDGE = 0.08
_STEPS = ("decode", "search", "crop", "model", "total")


def nudged(box: Box) -> Box:
    """Return where a face was one frame ago: a hint is never quite right."""
    return Box(box.x + round(box.w * _NUDGE), box.y - round(box.h * _NUDGE), box.w, box.h)


def measure(run: Run) -> dict[str, Any]:
    """Work on each picture without hints, then with its faces as hints."""
    cold: list[Worked] = []
    hinted: list[Worked] = []
    scenes = run.pictures()
    with floor_process() as floor:
        for scene in run.over("floor", scenes, len(scenes)):
            cold.append(floor.work(scene.jpeg))
            if cold[-1].faces:
                hinted.append(floor.work(scene.jpeg, [nudged(box) for box in cold[-1].faces]))
    return {"cold": _by_step(cold), "hinted": _by_step(hinted)}


def _by_step(worked: Sequence[Worked]) -> dict[str, Any]:
    return {f"{step}_ms": figures(getattr(one, step) for one in worked) for step in _STEPS}


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return a row for each way and step."""
    rows = [
        (f"{way}, {step}", *(shown(of[f"{step}_ms"][name], 2) for name in ("p50", "p95", "p99")))
        for way, of in result.items()
        for step in _STEPS
    ]
    return [Table("Floor: the work in one process, ms a picture", ("", "p50", "p95", "p99"), rows)]


PART = Part("the work in one process", measure, tables)
