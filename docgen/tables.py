"""Markdown tables."""

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

NOTHING = "–"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a bar inside a cell is escaped, an empty cell gets a dash."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(_line(cells) for cells in lines) + "\n"


def code(text: str) -> str:
    """Return the text marked as code, or nothing where there is none."""
    return f"`{text}`" if text else ""


def _line(cells: Sequence[str]) -> str:
    escaped = [cell.replace("|", r"\|") or NOTHING for cell in cells]
    return f"|{'|'.join(escaped)}|" if set(cells) == {"---"} else f"| {' | '.join(escaped)} |"


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


_DEFAULT = re.compile(r"(?P<meaning>.*?)(?: \(default:? (?P<default>[^;)]+)(?:; (?P<rest>.*))?\))?")


def flags_table(parser: argparse.ArgumentParser) -> str:
    """Return the table of all flags. Defaults stand in their help texts, since some depend on the machine."""
    return table(["flag", "default", "meaning"], _rows(parser))


def _rows(parser: argparse.ArgumentParser) -> Iterator[list[str]]:
    for action in parser._get_optional_actions():
        told = _DEFAULT.fullmatch(action.help or "")
        if told is not None and "--help" not in action.option_strings:
            meaning = "; ".join(part for part in (told["meaning"], told["rest"]) if part)
            yield [code(action.option_strings[-1]), told["default"] or "", meaning]


_UNITS = {"_s": "seconds", "_bytes": "bytes", "_px": "pixels"}
"""A name's ending → its unit."""


def settings_table(settings: type[BaseSettings]) -> str:
    """Return the table of all variables that a settings class reads, in the order of its fields."""
    prefix = settings.model_config.get("env_prefix", "")
    rows = (
        [code(f"{prefix}{name}".upper()), value_text(name, field), code(default_text(field)), field.description or ""]
        for name, field in settings.model_fields.items()
    )
    return table(["variable", "value", "default", "meaning"], rows)


def value_text(name: str, field: FieldInfo) -> str:
    """Return what a setting may be, in words: its type, unit and range."""
    annotation = field.annotation
    if get_origin(annotation) is Literal:
        *some, last = (f"`{choice}`" for choice in get_args(annotation))
        return f"{', '.join(some)} or {last}"
    if annotation is bool:
        return "`true` or `false`"
    if annotation in (int, float):
        return ", ".join(part for part in (_number_text(name, annotation is int), _range_text(field)) if part)
    if get_origin(annotation) is tuple:
        return "list, separated by commas"
    return "text, kept out of logs" if annotation is SecretStr else "text"


def default_text(field: FieldInfo) -> str:
    """Return a default as it would be written in the environment; empty where there is none."""
    if field.is_required():
        return ""
    return _written(field.default)


def _number_text(name: str, whole: bool) -> str:
    unit = next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")
    if whole:
        return f"whole number of {unit}" if unit else "whole number"
    return unit or "number"


def _range_text(field: FieldInfo) -> str:
    least, above, most, below = (_bound(field, kind) for kind in (Ge, Gt, Le, Lt))
    if least and most:
        return f"{least} to {most}"
    parts = (
        f"{least} or more" if least else "",
        f"above {above}" if above else "",
        f"at most {most}" if most else "",
        f"below {below}" if below else "",
    )
    return ", ".join(part for part in parts if part)


def _bound(field: FieldInfo, kind: type[Ge | Gt | Le | Lt]) -> str:
    bounds = (constraint for constraint in field.metadata if isinstance(constraint, kind))
    return next((f"{getattr(bound, kind.__name__.lower())}" for bound in bounds), "")


def _written(value: object) -> str:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return ",".join(_written(item) for item in value)
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case _:
            return str(value)
