"""Reads JSON, forms and base64 of clients, none of which may cost more than a request should."""

import base64
import binascii
import json
from typing import Any
from urllib.parse import unquote_to_bytes

_FEW_VALUES = 1000
"""A request about an image has a handful; base64 has none of the characters that are counted."""

MAX_FORM_FIELDS = 32
MAX_ESCAPES = 10_000
"""Of other characters than those of base64: each takes a hundred bytes while it is read."""
_BASE64_ESCAPES = ((b"%2B", b"+"), (b"%2F", b"/"), (b"%3D", b"="))

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


def read_form(body: bytes) -> dict[str, object]:
    """Return the fields of a url-encoded form; of a field that is sent twice, the last.

    Raises:
        UnreadableError: It has too many fields or escapes, or isn't UTF-8.
    """
    if body.count(b"&") >= MAX_FORM_FIELDS:
        raise UnreadableError(f"the form has more than {MAX_FORM_FIELDS} fields")
    pairs = (pair.partition(b"=") for pair in body.split(b"&"))
    return {_unquoted(name): _unquoted(value) for name, _, value in pairs if name}


def _unquoted(text: bytes) -> str:
    text = text.replace(b"+", b" ")
    for escape, character in _BASE64_ESCAPES:
        text = text.replace(escape, character).replace(escape.lower(), character)
    if text.count(b"%") > MAX_ESCAPES:
        raise UnreadableError("the form has too many escapes; send the image as a file")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeError as error:
        raise UnreadableError("the form isn't UTF-8") from error


def read_base64(text: str) -> bytes:
    """Return the bytes of base64, which may be broken into lines.

    Raises:
        UnreadableError: It isn't base64.
    """
    try:
        return base64.b64decode(text.encode("ascii").translate(None, _LINE_BREAKS), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableError("it isn't base64") from error
