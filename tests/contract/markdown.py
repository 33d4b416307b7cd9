"""Reads what a page of documentation names: code, tables, links."""

import re
from collections.abc import Iterator

_CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
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
    """Return the targets of links that lie in the repository."""
    return [target for target in _LINK.findall(text) if "://" not in target]
