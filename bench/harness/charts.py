"""Line charts and grouped bar charts as SVG elements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.evaluation.charts import line, rectangle, text

WIDTH, HEIGHT = 460, 290
"""Size of one chart, in pixels."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 84, 40, 40
_STROKES = ("var(--accent)", "var(--gap)", "var(--ink)")
_TICKS = 4
_ROUND = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Curve:
    """A named line; points are sorted by x."""

    name: str
    points: Sequence[tuple[float, float]]


def curves(title: str, drawn: Sequence[Curve], left: float, top: float) -> list[str]:
    """Return a line chart. The x values are spaced evenly, since they often double."""
    along = sorted({x for curve in drawn for x, _ in curve.points})
    highest = ceiling(max((y for curve in drawn for _, y in curve.points), default=0))
    elements = _frame(title, highest, left, top)
    place = {x: left + _LEFT + (index + 0.5) * _inner_width() / len(along) for index, x in enumerate(along)}
    elements += [text(place[x], top + HEIGHT - _BOTTOM + 18, f"{x:g}", "small middle") for x in along]
    labels: list[float] = []
    for curve, stroke in zip(drawn, _STROKES, strict=False):
        points = [(place[x], _height(y, highest, top)) for x, y in curve.points]
        elements.append(_line_through(points, stroke))
        elements += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{stroke}"/>' for x, y in points]
        if points:
            labels.append(_clear_of(labels, points[-1][1] + 4))
            elements.append(text(left + WIDTH - _RIGHT + 8, labels[-1], curve.name, "small"))
    return elements


def bars(title: str, kinds: Sequence[str], groups: Mapping[str, Sequence[float]], left: float, top: float) -> list[str]:
    """Return a grouped bar chart: one bar of each kind in a group, each paler than the one before."""
    highest = ceiling(max((value for values in groups.values() for value in values), default=0))
    elements = _frame(title, highest, left, top)
    each = _inner_width() / max(1, len(groups))
    wide = each * 0.8 / len(kinds)
    for index, (name, values) in enumerate(groups.items()):
        start = left + _LEFT + (index + 0.1) * each
        for nth, value in enumerate(values):
            y = _height(value, highest, top)
            tall = top + HEIGHT - _BOTTOM - y
            elements.append(rectangle(start + nth * wide, y, wide - 1, tall, "bar", 1 - 0.3 * nth))
        low = 18 if index % 2 == 0 else 32
        elements.append(text(start + each * 0.4, top + HEIGHT - _BOTTOM + low, name, "small middle"))
    for nth, kind in enumerate(kinds):
        y = top + _TOP + 10 + 18 * nth
        elements.append(rectangle(left + WIDTH - _RIGHT + 8, y - 9, 10, 10, "bar", 1 - 0.3 * nth))
        elements.append(text(left + WIDTH - _RIGHT + 24, y, kind, "small"))
    return elements


def ceiling(value: float) -> float:
    """Return the end of an axis: a round number that is not below the value."""
    if value <= 0:
        return 1.0
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value:
        power /= 10
    return next(power * step for step in _ROUND if power * step >= value)


def _frame(title: str, highest: float, left: float, top: float) -> list[str]:
    elements = [text(left + _LEFT, top + 22, title)]
    for tick in range(_TICKS + 1):
        value = highest * tick / _TICKS
        y = _height(value, highest, top)
        elements.append(line(left + _LEFT, y, left + WIDTH - _RIGHT, y, "line"))
        elements.append(text(left + _LEFT - 8, y + 4, f"{value:g}", "small end"))
    return elements


def _height(value: float, highest: float, top: float) -> float:
    return top + HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / highest


def _inner_width() -> float:
    return WIDTH - _LEFT - _RIGHT


def _line_through(points: Sequence[tuple[float, float]], stroke: str) -> str:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path d="M{path}" fill="none" stroke="{stroke}" stroke-width="1.5"/>' if points else ""


def _clear_of(labels: Sequence[float], y: float) -> float:
    """Return a y position for a label that overlaps no other."""
    while any(abs(y - other) < 12 for other in labels):
        y += 12
    return y
