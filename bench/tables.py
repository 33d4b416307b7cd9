"""Tables for a terminal and for a page."""

from collections.abc import Sequence
from dataclasses import dataclass

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
