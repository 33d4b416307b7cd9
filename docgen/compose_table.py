"""From ``.env.example`` and the Compose files to the rows of Compose's table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from docgen.tables import code, table

OWN_PREFIX = "EMOTION_COMPOSE_"
"""Of the variables that the Compose files read; all others they hand on to a service."""


@dataclass(frozen=True)
class Variable:
    """A variable of ``.env.example``.

    Attributes:
        default: Empty where there is none.
        meaning: The comment above it.
    """

    name: str
    default: str
    meaning: str


def read_example(text: str) -> list[Variable]:
    """Return the variables of ``.env.example``; a comment describes all that follow up to the next comment."""
    found: list[Variable] = []
    comment: list[str] = []
    described = False
    for line in text.splitlines():
        variable = re.fullmatch(r"#(EMOTION_\w+)=(.*)", line)
        if variable:
            found.append(Variable(variable[1], variable[2], " ".join(comment)))
            described = True
        elif line.startswith("# "):
            comment = [*([] if described else comment), line.removeprefix("# ")]
            described = False
        else:
            comment = []
    return found


def compose_table(example: str, files: Mapping[str, str]) -> str:
    """Return the table of the variables that only the Compose files read.

    Args:
        example: The text of ``.env.example``.
        files: Name → text of each Compose file.
    """
    rows = (
        [code(variable.name), code(variable.default), _readers(variable.name, files), variable.meaning]
        for variable in read_example(example)
        if variable.name.startswith(OWN_PREFIX)
    )
    return table(["variable", "default", "read by", "meaning"], rows)


def handed_on(example: str) -> list[str]:
    """Return the names of the settings that Compose hands on to the services."""
    return [variable.name for variable in read_example(example) if not variable.name.startswith(OWN_PREFIX)]


def _readers(name: str, files: Mapping[str, str]) -> str:
    return ", ".join(code(file) for file, text in files.items() if re.search(rf"\${{{name}\b", text))
