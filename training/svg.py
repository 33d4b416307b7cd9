"""The few SVG elements that the card's pictures need; colours follow the reader's light or dark scheme."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

_STYLE = """\
svg { --paper: #ffffff; --ink: #1f2328; --faint: #d1d9e0; --accent: #0550ae; --gap: #bc4c00; }
@media (prefers-color-scheme: dark) {
svg { --paper: #0d1117; --ink: #e6edf3; --faint: #3d444d; --accent: #4493f8; --gap: #f0883e; }
}
text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.small { font-size: 11px; }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.paper { fill: var(--paper); }
.on-accent { fill: var(--paper); }
.bar { fill: var(--accent); }
.gap { fill: none; stroke: var(--gap); stroke-width: 1.5; }
.line { fill: none; stroke: var(--faint); }
.ideal { fill: none; stroke: var(--ink); stroke-dasharray: 4 4; }"""


def picture(width: int, height: int, title: str, elements: Iterable[str]) -> str:
    """Return an SVG file: the elements on a ground of their own, so that they are readable on any page."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{_STYLE}\n</style>",
        rectangle(0, 0, width, height, "paper"),
        *elements,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def rectangle(x: float, y: float, width: float, height: float, style: str, opacity: float = 1) -> str:
    """Return a rectangle; ``style`` is one of the classes above."""
    faded = f' fill-opacity="{opacity:.2f}"' if opacity < 1 else ""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" class="{style}"{faded}/>'


def text(x: float, y: float, content: str, style: str = "", turned: bool = False) -> str:
    """Return a line of text; turned, it reads upwards."""
    turn = f' transform="rotate(-90 {x:g} {y:g})"' if turned else ""
    return f'<text x="{x:g}" y="{y:g}" class="{style}"{turn}>{escape(content)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    """Return a straight line."""
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" class="{style}"/>'
