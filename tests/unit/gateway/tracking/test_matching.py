from itertools import product
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.tracking.matching import linear_sum_assignment

costs = st.integers(0, 4).flatmap(
    lambda columns: st.lists(
        st.lists(st.one_of(st.floats(-20, 20), st.just(inf)), min_size=columns, max_size=columns), max_size=4
    )
)


def total(table: list[list[float]], chosen: tuple[int | None, ...], unmatched_cost: float) -> float:
    return sum(unmatched_cost if column is None else table[row][column] for row, column in enumerate(chosen))


@given(costs, st.floats(-5, 10))
def test_assignment_has_the_least_cost(table: list[list[float]], unmatched_cost: float) -> None:
    chosen = linear_sum_assignment(table, unmatched_cost)
    assert len(chosen) == len(table)
    used = [column for column in chosen if column is not None]
    assert len(set(used)) == len(used)
    columns = len(table[0]) if table else 0
    every = (
        candidate
        for candidate in product([None, *range(columns)], repeat=len(table))
        if len({column for column in candidate if column is not None})
        == sum(column is not None for column in candidate)
    )
    least = min(total(table, candidate, unmatched_cost) for candidate in every)
    assert total(table, chosen, unmatched_cost) <= least + 1e-9


def test_greedy_assignment_would_cost_more() -> None:
    assert linear_sum_assignment([[1.0, 2.0], [1.5, 9.0]], 20.0) == (1, 0)
