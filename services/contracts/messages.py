"""What every message shares: the error for one that can't be decoded, and reading its values."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


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


def text(value: Any) -> str:
    """Return a JSON value that must be a string.

    Raises:
        MalformedMessage: It is anything else.
    """
    if not isinstance(value, str):
        raise MalformedMessage(f"not a string: {value!r:.40}")
    return value


def truth(value: Any) -> bool:
    """Return a JSON value that must be true or false.

    Raises:
        MalformedMessage: It is anything else.
    """
    if not isinstance(value, bool):
        raise MalformedMessage(f"neither true nor false: {value!r:.40}")
    return value


def optional(read: Callable[[Any], T], value: Any) -> T | None:
    """Return null as it is, and anything else as ``read`` reads it."""
    return None if value is None else read(value)
