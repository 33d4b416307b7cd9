"""Parses documentation pages: code, tables and links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

URL = r"\b(?:http|ws)://127\.0\.0\.1:(8\d{3})(/[^\s`?'\"]*)"
"""A local URL: the port and the path."""
ROUTE = r"\b(GET|HEAD|POST|WS) (/[^\s`?]*)"
"""A method and a path."""

_CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(r"^```(sh|python)\n(.*?)^```\n(?:```(?:json|text)\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def code(text: str) -> str:
    """Return the code blocks and inline code, separated by newlines."""
    return "\n".join(found.strip("`") for found in _CODE.findall(text))


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each table row, without backticks."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip().strip("`") for cell in line.strip("|").split("|")]


def links(text: str) -> list[str]:
    """Return the targets of links within the repository, without anchors."""
    return [path for path, _ in _targets(text) if path]


def code_of(text: str, language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def linked_anchors(text: str) -> list[tuple[str, str]]:
    """Return the file and the anchor of each link with an anchor; the file is empty for the same page."""
    return [(path, part) for path, part in _targets(text) if part]


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub generates from the headings."""
    headings = re.findall(r"^##+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _targets(text: str) -> list[tuple[str, str]]:
    targets = [target.partition("#") for target in _LINK.findall(text) if "://" not in target]
    return [(path, part) for path, _, part in targets]


@dataclass(frozen=True)
class Example:
    """A code block, and the block of text or JSON below it.

    Attributes:
        language: ``sh`` or ``python``.
        source: The code.
        shown: The documented output; empty if there is none.
    """

    language: str
    source: str
    shown: str


def examples(text: str) -> list[Example]:
    """Return the code blocks in shell and Python."""
    return [Example(*found) for found in _EXAMPLE.findall(text)]
