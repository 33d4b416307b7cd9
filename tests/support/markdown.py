"""Reads what a page of documentation names: code, tables, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

URL = r"\b(?:http|ws)://127\.0\.0\.1:(8\d{3})(/[^\s`?'\"]*)"
"""A service's port on this machine, and a path."""
ROUTE = r"\b(GET|HEAD|POST|WS) (/[^\s`?]*)"
"""A method and a path."""

_CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(r"^```(sh|python)\n(.*?)^```\n(?:```(?:json|text)\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def code(text: str) -> str:
    """Return the blocks and spans of code, a line each at least."""
    return "\n".join(found.strip("`") for found in _CODE.findall(text))


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each row of each table, code marks cut off."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip().strip("`") for cell in line.strip("|").split("|")]


def links(text: str) -> list[str]:
    """Return the files that links to the repository name, without the part of the page."""
    return [path for path, _ in _targets(text) if path]


def code_of(text: str, language: str) -> list[str]:
    """Return the blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def parts_linked(text: str) -> list[tuple[str, str]]:
    """Return the file, empty for the page itself, and the part of each link to a part of a page."""
    return [(path, part) for path, part in _targets(text) if part]


def parts(text: str) -> set[str]:
    """Return what links call the parts of a page, as GitHub makes it of their headings."""
    headings = re.findall(r"^##+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _targets(text: str) -> list[tuple[str, str]]:
    targets = [target.partition("#") for target in _LINK.findall(text) if "://" not in target]
    return [(path, part) for path, _, part in targets]


@dataclass(frozen=True)
class Example:
    """A block of code, and the block of text or JSON right below it.

    Attributes:
        language: ``sh`` or ``python``.
        source: The code.
        shown: What it prints; empty where the page doesn't show it.
    """

    language: str
    source: str
    shown: str


def examples(text: str) -> list[Example]:
    """Return the blocks in shell and Python."""
    return [Example(*found) for found in _EXAMPLE.findall(text)]
