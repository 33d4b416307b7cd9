"""Limits on CPU time and memory for the security tests."""

import pytest

from tests.security.resource_limits import LimitExceededError, run_with_limits


def _sum(count: int) -> int:
    return sum(range(count))


def _allocate(megabytes: int) -> int:
    return len(bytearray(megabytes * 1_000_000))


def _fail() -> None:
    raise ValueError("expected")


def test_result_and_usage_are_returned() -> None:
    cost = run_with_limits(_sum, 1000)
    assert cost.result == 499500
    assert cost.cpu_s < 1


def test_exceeding_the_memory_limit_raises() -> None:
    with pytest.raises(LimitExceededError):
        run_with_limits(_allocate, 300, memory_mb=100)


def test_exceeding_the_cpu_limit_raises() -> None:
    with pytest.raises(LimitExceededError):
        run_with_limits(_sum, 10**12, cpu_s=0.2)


def test_exception_is_raised_in_the_caller() -> None:
    with pytest.raises(ValueError, match="expected"):
        run_with_limits(_fail)
