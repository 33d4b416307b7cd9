"""Compares what an example printed with what the page shows: the shape, not the numbers."""

import json
import re
from typing import Any

from services.contracts.emotions import EMOTIONS

_LEFT_OUT = "…"
_VARIES = re.compile(rf"\b(?:{'|'.join(emotion.value for emotion in EMOTIONS)})\b|\b[0-9a-f]{{8,}}\b|\d+(?:\.\d+)?")


def difference(printed: str, shown: str) -> str:
    """Return where the two differ, in a few words; empty where they don't.

    ``…`` stands for fields that are left out, or for the rest of a line.
    """
    if shown.startswith("{"):
        return _of_json(printed, shown)
    printed_lines, shown_lines = printed.splitlines(), shown.splitlines()
    if len(printed_lines) != len(shown_lines):
        return f"{len(printed_lines)} lines, not {len(shown_lines)}"
    return "; ".join(filter(None, map(_of_lines, printed_lines, shown_lines)))


def _of_lines(printed: str, shown: str) -> str:
    name, start, rest = shown.partition('{"')
    if start and printed.startswith(name):
        return _of_json(printed.removeprefix(name), start + rest)
    given, expected = _VARIES.sub("#", printed.rstrip()), _VARIES.sub("#", shown.rstrip())
    if expected.endswith(_LEFT_OUT):
        expected = expected.removesuffix(_LEFT_OUT)
        given = given[: len(expected)]
    return "" if given == expected else f"{printed!r}, not {shown!r}"


def _of_json(printed: str, shown: str) -> str:
    marked = re.sub(rf"([{{,]\s*){_LEFT_OUT}(?=\s*}})", rf'\1"{_LEFT_OUT}": null', shown)
    return _of_values(json.loads(printed), json.loads(marked), "$")


def _of_values(given: Any, expected: Any, at: str) -> str:
    if expected is None:  # what may be null may be something
        return ""
    if isinstance(expected, dict) and isinstance(given, dict):
        named = expected.keys() - {_LEFT_OUT}
        if not named <= given.keys() or (_LEFT_OUT not in expected and given.keys() != named):
            return f"{at} has {sorted(given)}, not {sorted(named)}"
        return "; ".join(filter(None, (_of_values(given[key], expected[key], f"{at}.{key}") for key in named)))
    if isinstance(expected, list) and isinstance(given, list):
        if expected and not given:
            return f"{at} is empty"
        return "; ".join(filter(None, (_of_values(one, expected[0], f"{at}[]") for one in given if expected)))
    return "" if _kind(given) == _kind(expected) else f"{at} is {given!r}, not {expected!r}"


def _kind(value: Any) -> str:
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
