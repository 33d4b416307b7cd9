"""What every message shares: the error for one that can't be decoded, and reading its numbers."""

import math
from typing import Any


class MalformedMessage(ValueError):
    """A message from another process lacks a field, or a field can't be read."""


def whole(value: Any) -> int:
    """Return a JSON value that must be a whole number.

    Raises:
        MalformedMessage: It is anything else.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedMessage(f"not a whole number: {value!r:.40}")
    return value


def finite(value: Any) -> float:
    """Return a JSON value that must be a number; Python's reader also takes NaN and Infinity, which JSON lacks.

    Raises:
        MalformedMessage: It is anything else.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise MalformedMessage(f"not a finite number: {value!r:.40}")
    return float(value)
