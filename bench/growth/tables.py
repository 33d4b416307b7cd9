"""The curves as tables: processor milliseconds a frame by process, and how long it took."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.figures import shown
from bench.growth.cost import PROCESSES, together_ms
from bench.growth.ways import HINTS, LIVE, UPLOAD
from bench.tables import Table

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
