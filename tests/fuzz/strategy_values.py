"""Streams of values of Hypothesis strategies; the same seed gives the same values."""

from collections.abc import Iterator
from random import Random
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisException
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")


def strategy_values(strategy: SearchStrategy[T], random: Random, at_once: int = 50) -> Iterator[T]:
    """Yield values without end, generated in batches of ``at_once``; none if the strategy is unsatisfiable."""
    while True:
        values = _draw(strategy, random.getrandbits(32), at_once)
        if not values:
            return
        yield from values


def _draw(strategy: SearchStrategy[T], number: int, count: int) -> list[T]:
    values: list[T] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(value: T) -> None:
        values.append(value)

    try:
        keep()
    except HypothesisException:  # the strategy is unsatisfiable
        return values
    return values
