"""Tables for a terminal and for a page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import rich.box
import rich.table


@dataclass(frozen=True)
class Table:
    """Rows under a title; the first column names, the others are figures."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def for_terminal(table: Table) -> rich.table.Table:
    """Return what rich prints."""
    drawn = rich.table.Table(title=table.title, title_justify="left", box=rich.box.SIMPLE)
    for index, column in enumerate(table.columns):
        drawn.add_column(column, justify="right" if index else "left")
    for row in table.rows:
        drawn.add_row(*row)
    return drawn


def for_page(table: Table) -> str:
    """Return Markdown."""
    rule = ["---", *("---:" for _ in table.columns[1:])]
    lines = (table.columns, rule, *table.rows)
    return "\n".join([f"**{table.title}**", "", *("| " + " | ".join(line) + " |" for line in lines)]) + "\n"


PERCENTILES = (50, 95, 99)


def figures(values: Iterable[float]) -> dict[str, Any]:
    """Return ``count``, ``p50``, ``p95``, ``p99`` and ``worst`` of some values; null where there are none.

    Percentiles lie between neighbours linearly, so that of few values p99 is close to the worst.
    """
    array = np.fromiter(values, np.float64)
    if not array.size:
        return {"count": 0, **{f"p{share}": None for share in PERCENTILES}, "worst": None}
    percentiles = {f"p{share}": float(np.percentile(array, share)) for share in PERCENTILES}
    return {"count": int(array.size), **percentiles, "worst": float(array.max())}


def ratio(over: Mapping[str, Any], under: Mapping[str, Any], name: str) -> float | None:
    """Return by how much one figure exceeds another of the same name; None where one is missing."""
    if over[name] is None or not under[name]:
        return None
    return float(over[name] / under[name])


def shown(value: float | None, digits: int = 1) -> str:
    """Return a figure for people."""
    return "–" if value is None else f"{value:,.{digits}f}"
