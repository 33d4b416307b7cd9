"""Waiting for a condition, for tests of what runs beside them."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 60.0
"""More than anything takes here that works, on a busy machine too; only what fails is waited for as long."""

T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: str, timeout_s: float = PATIENCE_S) -> T:
    """Return the condition's first true value; fail, saying what was waited for, where none comes in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        time.sleep(0.02)
