"""Waiting for a condition in tests of other processes and threads."""

import time
from collections.abc import Callable
from typing import TypeVar

DEFAULT_TIMEOUT_S = 60.0
"""Long enough for every successful step on a busy machine; only a failing test waits this long."""

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T], what: str, timeout_s: float = DEFAULT_TIMEOUT_S, interval_s: float = 0.02
) -> T:
    """Return the condition's first true value; fail with ``what`` if there is none in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        time.sleep(interval_s)
