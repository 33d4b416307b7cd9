"""The cheapest way to give each row a column of its own."""

from collections.abc import Sequence
from math import inf


def cheapest(costs: Sequence[Sequence[float]], unmatched_cost: float) -> tuple[int | None, ...]:
    """Match rows and columns so that the sum of costs is least: the Hungarian method with shortest augmenting paths.

    Kuhn (1955); Jonker and Volgenant (1987).

    Args:
        costs: Of each row with each column; infinite where they can't go together.
        unmatched_cost: Of a row that gets no column.

    Returns:
        Each row's column, or None.
    """
    rows, columns = len(costs), len(costs[0]) if costs else 0
    # A column for each row, which no other row can take, stands for none. Column 0 and row 0 are sentinels.
    none_from = columns + 1
    row_price, column_price = [0.0] * (rows + 1), [0.0] * (none_from + rows)
    row_of = [0] * (none_from + rows)

    def cost(row: int, column: int) -> float:
        if column < none_from:
            return costs[row - 1][column - 1]
        return unmatched_cost if column - none_from == row - 1 else inf

    for row in range(1, rows + 1):
        row_of[0], column = row, 0
        shortest, came_from = [inf] * len(row_of), [0] * len(row_of)
        open_columns = set(range(1, len(row_of)))
        closed = [0]
        while row_of[column]:
            here = row_of[column]
            for other in open_columns:
                length = cost(here, other) - row_price[here] - column_price[other]
                if length < shortest[other]:
                    shortest[other], came_from[other] = length, column
            column = min(open_columns, key=lambda other: (shortest[other], other))
            step = shortest[column]
            for other in closed:
                row_price[row_of[other]] += step
                column_price[other] -= step
            for other in open_columns:
                shortest[other] -= step
            open_columns.remove(column)
            closed.append(column)
        while column:
            row_of[column], column = row_of[came_from[column]], came_from[column]
    chosen: list[int | None] = [None] * rows
    for column in range(1, none_from):
        if row_of[column]:
            chosen[row_of[column] - 1] = column - 1
    return tuple(chosen)
