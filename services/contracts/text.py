"""Make text from outside safe to show in a terminal, a log or a spreadsheet."""

import unicodedata

MAX_SHOWN = 2000
"""Most characters that are shown of one text."""

_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of what a terminal acts on, what turns the direction of writing, and ends of lines."""
_JOINERS = "\u200c\u200d"  # several scripts and emoji need them
_FORMULA_STARTS = "=+-@＝＋－＠"


def printable(text: str) -> str:
    """Return a text as one line without control characters: those are written as Python does, such as ``\\x1b``."""
    if len(text) > MAX_SHOWN:
        text = f"{text[: MAX_SHOWN - 1]}…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(letter) if _is_unsafe(letter) else letter for letter in text)


def csv_text(text: str) -> str:
    """Return a text for a cell of CSV, which no spreadsheet takes for a formula."""
    shown = printable(text)
    begins = text.lstrip()[:1]
    return f"'{shown}" if text[:1] in ("\t", "\r", "\n") or (begins and begins in _FORMULA_STARTS) else shown


def _is_unsafe(letter: str) -> bool:
    return unicodedata.category(letter) in _ESCAPED and letter not in _JOINERS


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
