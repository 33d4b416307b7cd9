"""Matching of a frame's faces to tracks: the assignment with the least total cost."""

from collections.abc import Sequence
from math import inf

from services.contracts.geometry import Box
from services.gateway.tracking.config import TrackerConfig
from services.gateway.tracking.motion import Motion, center_distance, distance


def match_boxes(motions: Sequence[Motion], boxes: Sequence[Box], config: TrackerConfig) -> tuple[int | None, ...]:
    """Return the index of each box's motion, or None for a new face; the most likely of all assignments.

    Args:
        motions: The motions of known faces, predicted for the frame's time.
        boxes: The frame's faces.
        config: The limits of a match.
    """
    costs = [[_cost(motion, box, config) for motion in motions] for box in boxes]
    return linear_sum_assignment(costs, config.new_face_cost)


def _cost(motion: Motion, box: Box, config: TrackerConfig) -> float:
    if center_distance(motion, box) > config.max_distance:
        return inf
    away = distance(motion, box, config)
    if away.mahalanobis > config.gate and away.iou < config.min_iou:
        return inf
    # −2 ln of the likelihood. Without the spread, a track that was lost for a while would take another face's box.
    return min(away.mahalanobis, config.gate) + away.log_spread


def linear_sum_assignment(  # noqa: C901 - one published algorithm
    costs: Sequence[Sequence[float]], unmatched_cost: float
) -> tuple[int | None, ...]:
    """Assign rows to columns with the least sum of costs: the Hungarian method with shortest augmenting paths.

    Kuhn (1955); Jonker and Volgenant (1987).

    Args:
        costs: Cost of each row with each column; infinite if they cannot match.
        unmatched_cost: Cost of a row without a column.

    Returns:
        Each row's column, or None.
    """
    rows, columns = len(costs), len(costs[0]) if costs else 0
    # Each row also has a column of its own, which means "no column". Column 0 and row 0 are sentinels.
    first_unmatched = columns + 1
    row_price, column_price = [0.0] * (rows + 1), [0.0] * (first_unmatched + rows)
    row_of = [0] * (first_unmatched + rows)

    def cost(row: int, column: int) -> float:
        if column < first_unmatched:
            return costs[row - 1][column - 1]
        return unmatched_cost if column - first_unmatched == row - 1 else inf

    for row in range(1, rows + 1):
        row_of[0], column = row, 0
        shortest, came_from = [inf] * len(row_of), [0] * len(row_of)
        open_columns = set(range(1, len(row_of)))
        closed = [0]
        while row_of[column]:
            current = row_of[column]
            for other in open_columns:
                length = cost(current, other) - row_price[current] - column_price[other]
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
    assigned: list[int | None] = [None] * rows
    for column in range(1, first_unmatched):
        if row_of[column]:
            assigned[row_of[column] - 1] = column - 1
    return tuple(assigned)
