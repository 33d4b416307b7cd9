"""Make text from outside safe to show in a terminal, a log or a spreadsheet."""

import unicodedata

MAX_TEXT_CHARS = 500
"""Longest text in a message, in characters; a longer one is cut off or rejected."""

MAX_TERMINAL_CHARS = 2000
"""Longest text that is shown in a terminal, in characters."""

_MAX_UTF8_BYTES_PER_CHAR = 4

_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of what a terminal acts on, what turns the direction of writing, and ends of lines."""
_JOINERS = "\u200c\u200d"  # several scripts and emoji need them
_FORMULA_STARTS = "=+-@＝＋－＠"


def replace_unprintable(value: str | bytes) -> str:
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


def escape_controls(text: str) -> str:
    """Return a text as one line without control characters: those are written as Python does, such as ``\\x1b``."""
    if len(text) > MAX_TERMINAL_CHARS:
        text = f"{text[: MAX_TERMINAL_CHARS - 1]}…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(letter) if _is_unsafe(letter) else letter for letter in text)


def csv_text(text: str) -> str:
    """Return a text for a cell of CSV, which no spreadsheet takes for a formula."""
    shown = escape_controls(text)
    begins = text.lstrip()[:1]
    return f"'{shown}" if text[:1] in ("\t", "\r", "\n") or (begins and begins in _FORMULA_STARTS) else shown


def _is_unsafe(letter: str) -> bool:
    return unicodedata.category(letter) in _ESCAPED and letter not in _JOINERS


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
