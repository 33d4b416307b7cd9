"""The limits of the security tests themselves."""

import pytest

from tests.security.resource_limits import LimitExceededError, run_confined


def _sum(count: int) -> int:
    return sum(range(count))


def _allocate(megabytes: int) -> int:
    return len(bytearray(megabytes * 1_000_000))


def _fail() -> None:
    raise ValueError("as asked")


def test_the_result_and_the_cost_come_back() -> None:
    cost = run_confined(_sum, 1000)
    assert cost.result == 499500
    assert cost.cpu_s < 1


def test_too_much_memory_is_noticed() -> None:
    with pytest.raises(LimitExceededError):
        run_confined(_allocate, 300, memory_mb=100)


def test_too_much_processor_time_is_noticed() -> None:
    with pytest.raises(LimitExceededError):
        run_confined(_sum, 10**12, cpu_s=0.2)


def test_an_exception_comes_back() -> None:
    with pytest.raises(ValueError, match="as asked"):
        run_confined(_fail)
