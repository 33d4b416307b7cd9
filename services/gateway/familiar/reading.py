"""Reads JSON and base64 of clients, neither of which may cost more than a request should."""

import base64
import binascii
import json
from typing import Any

_FEW_VALUES = 1000
"""A request about an image has a handful; base64 has none of the characters that are counted."""

_LINE_BREAKS = b" \t\r\n"


class UnreadableError(ValueError):
    """What a client sent can't be read; the message is for people."""


def read_object(body: bytes, most_values: int = _FEW_VALUES) -> dict[str, Any]:
    """Return the JSON object of a body.

    Args:
        body: As it came.
        most_values: About how many values it may hold: small bodies can become very many objects.

    Raises:
        UnreadableError: Not JSON, no object, nested too deeply, or with more values.
    """
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > most_values:
        raise UnreadableError(f"the JSON has more than {most_values:,} values")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("the body isn't JSON") from error
    if not isinstance(found, dict):
        raise UnreadableError("the JSON must be an object")
    return found


def read_base64(text: str) -> bytes:
    """Return the bytes of base64, which may be broken into lines.

    Raises:
        UnreadableError: It isn't base64.
    """
    try:
        return base64.b64decode(text.encode("ascii").translate(None, _LINE_BREAKS), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableError("it isn't base64") from error
