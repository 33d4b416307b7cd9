"""What every message shares: the error for one that can't be decoded, and strict readers with limits for its values.

Whatever another process sent may be wrong or hostile. So every value has a limit, and no error repeats a value: it may
be long, private, or made to upset a terminal or a log.
"""

import math
import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=Enum)

MAX_TEXT_CHARS = 500
"""Longest text, in characters; a longer one is cut off or refused."""

MAX_INT32 = 2**31 - 1
MAX_INT64 = 2**63 - 1

_MAX_UTF8_BYTES_PER_CHAR = 4
_WHOLE = re.compile(rb"-?[0-9]{1,20}")
_DECIMAL = re.compile(rb"[0-9]{1,20}(?:\.[0-9]{1,20})?")


class MalformedMessageError(ValueError):
    """A message from another process lacks a field, or a field can't be read; the text never repeats a value."""


def whole(value: Any, least: int = -MAX_INT64, most: int = MAX_INT64) -> int:
    """Return a JSON value that must be a whole number from ``least`` to ``most``.

    Raises:
        MalformedMessageError: It is anything else.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise MalformedMessageError(f"not a whole number from {least} to {most}")
    return value


def natural(value: Any) -> int:
    """Return a JSON value that must be a whole number from 0, of 63 bits.

    Raises:
        MalformedMessageError: It is anything else.
    """
    return whole(value, 0)


def finite(value: Any) -> float:
    """Return a JSON value that must be a number; Python's reader also takes NaN and Infinity, which JSON lacks.

    Raises:
        MalformedMessageError: It is anything else.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return float(whole(value))
    if not isinstance(value, float) or not math.isfinite(value):
        raise MalformedMessageError("not a finite number")
    return value


def text(value: Any) -> str:
    """Return a JSON value that must be a string of at most 500 printable characters.

    Raises:
        MalformedMessageError: It is anything else.
    """
    if not isinstance(value, str) or len(value) > MAX_TEXT_CHARS or not value.isprintable():
        raise MalformedMessageError(f"not a string of at most {MAX_TEXT_CHARS} printable characters")
    return value


def shown(value: Any) -> str:
    """Return a JSON string as text for people; see ``printable``.

    Raises:
        MalformedMessageError: It is no string.
    """
    if not isinstance(value, str):
        raise MalformedMessageError("not a string")
    return printable(value)


def truth(value: Any) -> bool:
    """Return a JSON value that must be true or false.

    Raises:
        MalformedMessageError: It is anything else.
    """
    if not isinstance(value, bool):
        raise MalformedMessageError("neither true nor false")
    return value


def member(kind: type[E], value: Any) -> E:
    """Return the member of an enumeration of strings that has this value.

    Raises:
        MalformedMessageError: None has.
    """
    try:
        return kind(value)
    except ValueError:
        raise MalformedMessageError(f"not one of {', '.join(str(one.value) for one in kind)}") from None


def several(read: Callable[[Any], T], value: Any, most: int) -> tuple[T, ...]:
    """Return a JSON array of at most ``most`` elements, each as ``read`` reads it.

    Raises:
        MalformedMessageError: It is no array, has more elements, or one can't be read.
    """
    if not isinstance(value, list | tuple) or len(value) > most:
        raise MalformedMessageError(f"not an array of at most {most} elements")
    return tuple(read(element) for element in value)


def optional(read: Callable[[Any], T], value: Any) -> T | None:
    """Return null as it is, and anything else as ``read`` reads it."""
    return None if value is None else read(value)


def printable(value: str | bytes) -> str:
    """Return text for people, at most 500 characters of it, with U+FFFD for what isn't UTF-8 or isn't printable.

    Control characters and marks that change the direction of writing aren't printable. Line breaks and other white
    space become spaces.
    """
    if isinstance(value, bytes):
        value = value[: MAX_TEXT_CHARS * _MAX_UTF8_BYTES_PER_CHAR + 1].decode("utf-8", "replace")
    if len(value) > MAX_TEXT_CHARS:
        value = value[: MAX_TEXT_CHARS - 1] + "…"
    if value.isprintable():
        return value
    return "".join(one if one.isprintable() else " " if one.isspace() else "\ufffd" for one in value)


def required(fields: Mapping[bytes, bytes], name: bytes) -> bytes:
    """Return a field of a Redis message.

    Raises:
        MalformedMessageError: It is missing.
    """
    value = fields.get(name)
    if value is None:
        raise MalformedMessageError(f"{name.decode('ascii')} is missing")
    return value


def number(fields: Mapping[bytes, bytes], name: bytes, most: int, least: int = 0) -> int:
    """Return a field that must be a whole number from ``least`` to ``most`` in ASCII digits.

    ``int`` would take underscores, blanks, other scripts' digits and thousands of digits as well.

    Raises:
        MalformedMessageError: It is missing or anything else.
    """
    value = required(fields, name)
    if _WHOLE.fullmatch(value) is None or not least <= (found := int(value)) <= most:
        raise MalformedMessageError(f"{name.decode('ascii')} is not a whole number from {least} to {most}")
    return found


def decimal(fields: Mapping[bytes, bytes], name: bytes, most: float) -> float:
    """Return a field that must be a number from 0 to ``most`` in ASCII digits, with or without a fraction.

    Raises:
        MalformedMessageError: It is missing or anything else.
    """
    value = required(fields, name)
    if _DECIMAL.fullmatch(value) is None or (found := float(value)) > most:
        raise MalformedMessageError(f"{name.decode('ascii')} is not a number from 0 to {most:g}")
    return found


def explained(what: str, error: Exception) -> MalformedMessageError:
    """Return the error for a JSON message that can't be decoded.

    Args:
        what: The message's name.
        error: What decoding raised: ``MalformedMessageError``, ``KeyError`` for a missing field, or another error
            for a value of another type, whose text may hold the value.
    """
    if isinstance(error, MalformedMessageError):
        return MalformedMessageError(f"{what}: {error}")
    if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
        return MalformedMessageError(f"{what}: {printable(error.args[0])[:40]} is missing")
    return MalformedMessageError(f"{what}: a value is of another type")
