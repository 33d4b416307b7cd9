"""Which face of a frame is which face of the frames before."""

from collections.abc import Sequence
from math import inf

from services.contracts.geometry import Box
from services.gateway.tracking.config import TrackingLimits
from services.gateway.tracking.motion import Motion, distance, sides_apart


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


def associate(motions: Sequence[Motion], boxes: Sequence[Box], limits: TrackingLimits) -> tuple[int | None, ...]:
    """Return each box's motion, or None for a new face; the likeliest of all ways to put them together.

    Args:
        motions: Where faces are expected, brought to the frame's time.
        boxes: The frame's faces.
        limits: What counts as far.
    """
    costs = [[_cost(motion, box, limits) for motion in motions] for box in boxes]
    return cheapest(costs, limits.new_face_cost)


def _cost(motion: Motion, box: Box, limits: TrackingLimits) -> float:
    if sides_apart(motion, box) > limits.max_reach:
        return inf
    away = distance(motion, box, limits)
    if away.mahalanobis > limits.gate and away.overlap < limits.min_overlap:
        return inf
    # −2 ln of the likelihood: without the spread, a face lost for a while would take another one's box.
    return min(away.mahalanobis, limits.gate) + away.log_spread
