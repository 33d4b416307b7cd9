"""SVG charts of the model card; colours follow the reader's light or dark scheme."""

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from services.contracts.emotions import EMOTIONS
from training.metrics import ReliabilityBin

_STYLE = """\
svg { --background: #ffffff; --ink: #1f2328; --faint: #d1d9e0; --accent: #0550ae; --gap: #bc4c00; }
@media (prefers-color-scheme: dark) {
svg { --background: #0d1117; --ink: #e6edf3; --faint: #3d444d; --accent: #4493f8; --gap: #f0883e; }
}
text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.small { font-size: 11px; }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.background { fill: var(--background); }
.on-accent { fill: var(--background); }
.bar { fill: var(--accent); }
.gap { fill: none; stroke: var(--gap); stroke-width: 1.5; }
.line { fill: none; stroke: var(--faint); }
.ideal { fill: none; stroke: var(--ink); stroke-dasharray: 4 4; }"""


def svg_document(width: int, height: int, title: str, elements: Iterable[str]) -> str:
    """Return an SVG file with these elements on an opaque background, which makes them readable on any page."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{_STYLE}\n</style>",
        rectangle(0, 0, width, height, "background"),
        *elements,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def rectangle(x: float, y: float, width: float, height: float, style: str, opacity: float = 1) -> str:
    """Return a rectangle; ``style`` is one of the classes above."""
    faded = f' fill-opacity="{opacity:.2f}"' if opacity < 1 else ""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" class="{style}"{faded}/>'


def text(x: float, y: float, content: str, style: str = "", rotated: bool = False) -> str:
    """Return a line of text, optionally rotated to read upwards."""
    transform = f' transform="rotate(-90 {x:g} {y:g})"' if rotated else ""
    return f'<text x="{x:g}" y="{y:g}" class="{style}"{transform}>{escape(content)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    """Return a straight line."""
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" class="{style}"/>'


_CELL = 62
_LEFT, _TOP, _MARGIN = 110, 60, 20
_SIDE = 360


def confusion_matrix_chart(confusion: Sequence[Sequence[int]]) -> str:
    """Draw a confusion matrix: a row per true emotion, a column per predicted one, with fractions of the row."""
    size = _CELL * len(EMOTIONS)
    elements = [
        text(_LEFT + size / 2, 22, "predicted", "middle"),
        text(18, _TOP + size / 2, "true", "middle", rotated=True),
    ]
    for row, (emotion, counts) in enumerate(zip(EMOTIONS, confusion, strict=True)):
        elements.append(text(_LEFT + (row + 0.5) * _CELL, _TOP - 10, emotion, "small middle"))
        elements.append(text(_LEFT - 10, _TOP + (row + 0.5) * _CELL + 4, emotion, "small end"))
        for column, count in enumerate(counts):
            elements += _cell(_LEFT + column * _CELL, _TOP + row * _CELL, count, sum(counts))
    return svg_document(_LEFT + size + _MARGIN, _TOP + size + _MARGIN, "Confusion matrix", elements)


def _cell(x: float, y: float, count: int, faces: int) -> list[str]:
    fraction = count / faces if faces else 0.0
    # From about this fraction on, text in the background colour has the better contrast, in both schemes.
    ink = " on-accent" if fraction > 0.7 else ""
    return [
        rectangle(x + 1, y + 1, _CELL - 2, _CELL - 2, "bar", opacity=fraction),
        text(x + _CELL / 2, y + _CELL / 2, f"{100 * fraction:.0f} %", f"middle{ink}"),
        text(x + _CELL / 2, y + _CELL / 2 + 16, str(count), f"small middle{ink}"),
    ]


def reliability_diagram(bins: Sequence[ReliabilityBin]) -> str:
    """Draw accuracy by confidence, and the number of faces of each bin below.

    The bars of a calibrated model end on the diagonal; the outlines show the gaps.
    """
    elements = [*_axes(), *(element for part in bins for element in _bar(part))]
    largest = max((part.faces for part in bins), default=1)
    base = _TOP + _SIDE + 120
    for part in bins:
        x, width = _LEFT + part.low * _SIDE, (part.high - part.low) * _SIDE
        height = 60 * part.faces / largest
        elements.append(rectangle(x + 1, base - height, width - 2, height, "bar", opacity=0.5))
    elements += [
        line(_LEFT, base, _LEFT + _SIDE, base, "line"),
        text(_LEFT - 10, base - 56, f"{largest:,}", "small end"),
        text(_LEFT - 10, base, "0", "small end"),
        text(40, base - 30, "faces", "middle", rotated=True),
        line(_LEFT, _TOP + _SIDE, _LEFT + _SIDE, _TOP, "ideal"),
    ]
    return svg_document(_LEFT + _SIDE + 2 * _MARGIN, base + _MARGIN, "Reliability diagram", elements)


def _axes() -> list[str]:
    elements = [
        text(_LEFT + _SIDE / 2, _TOP + _SIDE + 42, "confidence", "middle"),
        text(40, _TOP + _SIDE / 2, "accuracy", "middle", rotated=True),
    ]
    for tick in range(0, 101, 20):
        x, y = _LEFT + _SIDE * tick / 100, _TOP + _SIDE * (1 - tick / 100)
        elements += [
            line(_LEFT, y, _LEFT + _SIDE, y, "line"),
            text(_LEFT - 10, y + 4, f"{tick} %", "small end"),
            text(x, _TOP + _SIDE + 18, f"{tick} %", "small middle"),
        ]
    return elements


def _bar(part: ReliabilityBin) -> list[str]:
    x, width = _LEFT + part.low * _SIDE, (part.high - part.low) * _SIDE
    accuracy, confidence = _SIDE * part.accuracy, _SIDE * part.confidence
    bottom = _TOP + _SIDE
    return [
        rectangle(x + 1, bottom - accuracy, width - 2, accuracy, "bar", opacity=0.8),
        rectangle(x + 1, bottom - max(accuracy, confidence), width - 2, abs(accuracy - confidence), "gap"),
    ]
