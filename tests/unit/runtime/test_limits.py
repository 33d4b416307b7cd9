from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.limits import BudgetExceededError, ByteBudget


def test_one_client_leaves_half_to_others() -> None:
    budget = ByteBudget(800)
    greedy = [budget.lease("10.0.0.1") for _ in range(8)]
    for lease in greedy[:4]:
        lease.resize(100)
    with pytest.raises(BudgetExceededError):
        greedy[4].resize(1)
    for number in range(4):
        budget.lease(f"10.0.1.{number}").resize(100)
    with pytest.raises(BudgetExceededError):
        budget.lease("10.0.2.1").resize(1)


def test_what_is_refused_changes_nothing() -> None:
    budget = ByteBudget(800)
    lease = budget.lease("a")
    lease.resize(300)
    with pytest.raises(BudgetExceededError):
        lease.resize(900)
    assert budget.held == 300
    lease.resize(0)
    assert budget.held == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 400)), max_size=40))
def test_the_budget_holds_what_its_parts_hold(steps: list[tuple[str, int]]) -> None:
    budget = ByteBudget(1000)
    leases = {client: budget.lease(client) for client in "abc"}
    held = dict.fromkeys("abc", 0)
    for client, size in steps:
        with suppress(BudgetExceededError):
            leases[client].resize(size)
            held[client] = size
        assert budget.held == sum(held.values()) <= 1000
