"""Markdown tables."""

from collections.abc import Iterable, Sequence

NOTHING = "–"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a bar inside a cell is escaped, an empty cell gets a dash."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(_line(cells) for cells in lines) + "\n"


def code(text: str) -> str:
    """Return the text marked as code, or nothing where there is none."""
    return f"`{text}`" if text else ""


def _line(cells: Sequence[str]) -> str:
    escaped = [cell.replace("|", r"\|") or NOTHING for cell in cells]
    return f"|{'|'.join(escaped)}|" if set(cells) == {"---"} else f"| {' | '.join(escaped)} |"
