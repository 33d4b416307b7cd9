"""The four curves as charts."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bench.chart import Curve, curves
from bench.growth.cost import together_ms
from bench.growth.ways import HINTS, LIVE, UPLOAD

Of = Callable[[Mapping[str, Any]], float | None]


def by_size(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    """Draw what a frame costs, by the picture's height."""
    return curves("Processor ms a frame, by lines", _of_pictures(result["sizes"], "height"), left, top)


def by_faces(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    """Draw what a frame costs, by the faces in it."""
    return curves("Processor ms a frame, by faces", _of_pictures(result["faces"], "faces"), left, top)


def by_cameras(result: Mapping[str, Any], left: float, top: float) -> list[str]:
    """Draw what a frame costs and how old its result is, by the number of cameras."""
    points = result["cameras"]
    drawn = [
        _curve("age p50", points, "cameras", lambda of: of["age_ms"]["p50"]),
        _curve("processor", points, "cameras", lambda of: together_ms(of["cpu_ms_a_frame"])),
    ]
    return curves("Ms a frame, by cameras at 10 frames/s", drawn, left, top)


def by_clients(result: Mapping[str, Any], left: float, top: float) -> list[str]:
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
