"""Strict decoding with limits, which all messages share, and the error for a message that can't be decoded.

What another process sends may be wrong or hostile. So every value has a limit, and no error repeats a value: it may be
long, private, or crafted to disrupt a terminal or a log.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from services.contracts.text import MAX_TEXT_CHARS

T = TypeVar("T")
E = TypeVar("E", bound=Enum)

MAX_INT32 = 2**31 - 1
MAX_INT64 = 2**63 - 1

Count = Annotated[int, Meta(ge=0, le=MAX_INT64)]

Identifier = Annotated[str, Meta(max_length=MAX_TEXT_CHARS, pattern=r"^[ -~]*\Z")]
"""Printable ASCII."""

_INTEGER = re.compile(rb"-?[0-9]{1,20}")
_DECIMAL = re.compile(rb"[0-9]{1,20}(?:\.[0-9]{1,20})?")
_WITHOUT_VALUES = ("Expected ", "Object missing required field ", "Invalid base64", "Number out of range")
"""Beginnings of msgspec's errors that name types, limits and fields of ours, and never repeat a value."""


class MalformedMessageError(ValueError):
    """A message from another process lacks a field, or a field can't be read; the text never repeats a value."""


def encode_json(message: Any) -> bytes:
    """Return a message as JSON."""
    return msgspec.json.encode(message)


def to_dict(message: Any) -> dict[str, Any]:
    """Return a message as builtin types, with tuples for arrays."""
    members: dict[str, Any] = msgspec.to_builtins(message, str_keys=True)
    return members


def decode_json(what: str, body: bytes | str, message: type[T]) -> T:
    """Read a JSON message; unknown fields are ignored.

    Args:
        what: The message's name, for errors.
        body: The JSON text.
        message: The message's type.

    Raises:
        MalformedMessageError: It isn't JSON, or a field is missing or has an invalid value.
    """
    try:
        return msgspec.json.decode(body, type=message)
    except msgspec.ValidationError as error:
        reason = str(error)
        if not reason.startswith(_WITHOUT_VALUES):
            reason = f"Invalid value{reason[reason.rfind(' - at ') :] if ' - at ' in reason else ''}"
        raise MalformedMessageError(f"{what}: {reason}") from None
    except (ValueError, RecursionError):  # without a cause: its traceback would hold the body
        raise MalformedMessageError(f"{what}: not valid JSON") from None


def member(kind: type[E], value: Any) -> E:
    """Return the member of an enumeration of strings that has this value.

    Raises:
        MalformedMessageError: None has.
    """
    try:
        return kind(value)
    except ValueError:
        raise MalformedMessageError(f"not one of {', '.join(str(one.value) for one in kind)}") from None


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
    if _INTEGER.fullmatch(value) is None or not least <= (found := int(value)) <= most:
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
