"""Percentiles, and tables for the terminal and for Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import rich.box
import rich.table


@dataclass(frozen=True)
class Table:
    """Rows under a title; the first column has names, the others numbers."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def to_rich(table: Table) -> rich.table.Table:
    """Return a table for rich."""
    drawn = rich.table.Table(title=table.title, title_justify="left", box=rich.box.SIMPLE)
    for index, column in enumerate(table.columns):
        drawn.add_column(column, justify="right" if index else "left")
    for row in table.rows:
        drawn.add_row(*row)
    return drawn


def to_markdown(table: Table) -> str:
    """Return a Markdown table."""
    rule = ["---", *("---:" for _ in table.columns[1:])]
    lines = (table.columns, rule, *table.rows)
    return "\n".join([f"**{table.title}**", "", *("| " + " | ".join(line) + " |" for line in lines)]) + "\n"


PERCENTILES = (50, 95, 99)


def percentiles(values: Iterable[float]) -> dict[str, Any]:
    """Return ``count``, ``p50``, ``p95``, ``p99`` and ``worst`` of values; None without values.

    Percentiles are interpolated linearly, so p99 of few values is close to the worst.
    """
    array = np.fromiter(values, np.float64)
    if not array.size:
        return {"count": 0, **{f"p{share}": None for share in PERCENTILES}, "worst": None}
    percentiles = {f"p{share}": float(np.percentile(array, share)) for share in PERCENTILES}
    return {"count": int(array.size), **percentiles, "worst": float(array.max())}


def ratio(over: Mapping[str, Any], under: Mapping[str, Any], name: str) -> float | None:
    """Return the ratio of one percentile of two measurements; None if one is missing."""
    if over[name] is None or not under[name]:
        return None
    return float(over[name] / under[name])


def format_number(value: float | None, digits: int = 1) -> str:
    """Return a number with thousands separators, or a dash."""
    return "–" if value is None else f"{value:,.{digits}f}"
