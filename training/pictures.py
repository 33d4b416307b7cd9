"""Draws the model card's pictures as SVG."""

from collections.abc import Sequence

from services.contracts.emotions import EMOTIONS
from training.figures import ReliabilityFigures
from training.svg import line, picture, rectangle, text

_CELL = 62
_LEFT, _TOP, _MARGIN = 110, 60, 20
_SIDE = 360


def confusion_picture(confusion: Sequence[Sequence[int]]) -> str:
    """Draw counts as a square of cells: a row per true emotion, a column per answer, shares of the row."""
    size = _CELL * len(EMOTIONS)
    elements = [
        text(_LEFT + size / 2, 22, "answer", "middle"),
        text(18, _TOP + size / 2, "truth", "middle", turned=True),
    ]
    for row, (emotion, counts) in enumerate(zip(EMOTIONS, confusion, strict=True)):
        elements.append(text(_LEFT + (row + 0.5) * _CELL, _TOP - 10, emotion, "small middle"))
        elements.append(text(_LEFT - 10, _TOP + (row + 0.5) * _CELL + 4, emotion, "small end"))
        for column, count in enumerate(counts):
            elements += _cell(_LEFT + column * _CELL, _TOP + row * _CELL, count, sum(counts))
    return picture(_LEFT + size + _MARGIN, _TOP + size + _MARGIN, "Confusion matrix", elements)


def _cell(x: float, y: float, count: int, faces: int) -> list[str]:
    share = count / faces if faces else 0.0
    # From about here on the page's colour is easier to read on the accent than its ink, in both schemes.
    ink = " on-accent" if share > 0.7 else ""
    return [
        rectangle(x + 1, y + 1, _CELL - 2, _CELL - 2, "bar", opacity=share),
        text(x + _CELL / 2, y + _CELL / 2, f"{100 * share:.0f} %", f"middle{ink}"),
        text(x + _CELL / 2, y + _CELL / 2 + 16, str(count), f"small middle{ink}"),
    ]


def reliability_picture(bins: Sequence[ReliabilityFigures]) -> str:
    """Draw accuracy over confidence: a calibrated model's bars end on the diagonal; the outlines show by how much not.

    Below stands how many faces each bin has.
    """
    elements = [*_axes(), *(element for part in bins for element in _bar(part))]
    most = max((part.faces for part in bins), default=1)
    base = _TOP + _SIDE + 120
    for part in bins:
        x, width = _LEFT + part.low * _SIDE, (part.high - part.low) * _SIDE
        height = 60 * part.faces / most
        elements.append(rectangle(x + 1, base - height, width - 2, height, "bar", opacity=0.5))
    elements += [
        line(_LEFT, base, _LEFT + _SIDE, base, "line"),
        text(_LEFT - 10, base - 56, f"{most:,}", "small end"),
        text(_LEFT - 10, base, "0", "small end"),
        text(40, base - 30, "faces", "middle", turned=True),
        line(_LEFT, _TOP + _SIDE, _LEFT + _SIDE, _TOP, "ideal"),
    ]
    return picture(_LEFT + _SIDE + 2 * _MARGIN, base + _MARGIN, "Reliability diagram", elements)


def _axes() -> list[str]:
    elements = [
        text(_LEFT + _SIDE / 2, _TOP + _SIDE + 42, "confidence", "middle"),
        text(40, _TOP + _SIDE / 2, "accuracy", "middle", turned=True),
    ]
    for tick in range(0, 101, 20):
        x, y = _LEFT + _SIDE * tick / 100, _TOP + _SIDE * (1 - tick / 100)
        elements += [
            line(_LEFT, y, _LEFT + _SIDE, y, "line"),
            text(_LEFT - 10, y + 4, f"{tick} %", "small end"),
            text(x, _TOP + _SIDE + 18, f"{tick} %", "small middle"),
        ]
    return elements


def _bar(part: ReliabilityFigures) -> list[str]:
    x, width = _LEFT + part.low * _SIDE, (part.high - part.low) * _SIDE
    right, sure = _SIDE * part.accuracy, _SIDE * part.confidence
    bottom = _TOP + _SIDE
    return [
        rectangle(x + 1, bottom - right, width - 2, right, "bar", opacity=0.8),
        rectangle(x + 1, bottom - max(right, sure), width - 2, abs(right - sure), "gap"),
    ]
