"""Markdown tables of settings, of the model server's flags and of Compose's variables."""

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

EMPTY_CELL = "–"
COMPOSE_PREFIX = "EMOTION_COMPOSE_"
"""Prefix of the variables that only the Compose files read; they pass all others to a service."""

_FLAG_HELP = re.compile(r"(?P<meaning>.*?)(?: \(default:? (?P<default>[^;)]+)(?:; (?P<rest>.*))?\))?")
_UNITS = {"_s": "seconds", "_bytes": "bytes", "_px": "pixels"}
"""Suffix of a setting's name → its unit."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. Bars in cells are escaped, and an empty cell becomes a dash."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(_line(cells) for cells in lines) + "\n"


def code(text: str) -> str:
    """Return the text as inline code, or an empty string if it is empty."""
    return f"`{text}`" if text else ""


def _line(cells: Sequence[str]) -> str:
    escaped = [cell.replace("|", r"\|") or EMPTY_CELL for cell in cells]
    return f"|{'|'.join(escaped)}|" if set(cells) == {"---"} else f"| {' | '.join(escaped)} |"


@dataclass(frozen=True)
class Variable:
    """A variable of ``.env.example``.

    Attributes:
        default: Empty if there is none.
        meaning: The comment above it.
    """

    name: str
    default: str
    meaning: str


def read_example(text: str) -> list[Variable]:
    """Return the variables of ``.env.example``. A comment describes all variables up to the next comment."""
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
        if variable.name.startswith(COMPOSE_PREFIX)
    )
    return table(["variable", "default", "read by", "meaning"], rows)


def passed_through(example: str) -> list[str]:
    """Return the names of the settings that the Compose files pass to the services."""
    return [variable.name for variable in read_example(example) if not variable.name.startswith(COMPOSE_PREFIX)]


def _readers(name: str, files: Mapping[str, str]) -> str:
    return ", ".join(code(file) for file, text in files.items() if re.search(rf"\${{{name}\b", text))


def flags_table(parser: argparse.ArgumentParser) -> str:
    """Return the table of all flags. Defaults are read from help texts, since some depend on the machine."""
    return table(["flag", "default", "meaning"], _flag_rows(parser))


def _flag_rows(parser: argparse.ArgumentParser) -> Iterator[list[str]]:
    for action in parser._get_optional_actions():
        match = _FLAG_HELP.fullmatch(action.help or "")
        if match is not None and "--help" not in action.option_strings:
            meaning = "; ".join(part for part in (match["meaning"], match["rest"]) if part)
            yield [code(action.option_strings[-1]), match["default"] or "", meaning]


def settings_table(settings: type[BaseSettings]) -> str:
    """Return the table of all variables that a settings class reads, in the order of its fields."""
    prefix = settings.model_config.get("env_prefix", "")
    rows = (
        [code(f"{prefix}{name}".upper()), value_text(name, field), code(default_text(field)), field.description or ""]
        for name, field in settings.model_fields.items()
    )
    return table(["variable", "value", "default", "meaning"], rows)


def value_text(name: str, field: FieldInfo) -> str:
    """Describe the values of a setting: type, unit and range."""
    annotation = field.annotation
    if get_origin(annotation) is Literal:
        *others, last = (f"`{choice}`" for choice in get_args(annotation))
        return f"{', '.join(others)} or {last}"
    if annotation is bool:
        return "`true` or `false`"
    if annotation in (int, float):
        return ", ".join(part for part in (_number_text(name, annotation is int), _range_text(field)) if part)
    if get_origin(annotation) is tuple:
        return "comma-separated list"
    return "text, not logged" if annotation is SecretStr else "text"


def default_text(field: FieldInfo) -> str:
    """Return a default as written in the environment; empty if there is none."""
    if field.is_required():
        return ""
    return _format(field.default)


def _number_text(name: str, whole: bool) -> str:
    unit = next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), "")
    if whole:
        return f"whole number of {unit}" if unit else "whole number"
    return unit or "number"


def _range_text(field: FieldInfo) -> str:
    minimum, above, maximum, below = (_bound(field, kind) for kind in (Ge, Gt, Le, Lt))
    if minimum and maximum:
        return f"{minimum} to {maximum}"
    parts = (
        f"{minimum} or more" if minimum else "",
        f"above {above}" if above else "",
        f"at most {maximum}" if maximum else "",
        f"below {below}" if below else "",
    )
    return ", ".join(part for part in parts if part)


def _bound(field: FieldInfo, kind: type[Ge | Gt | Le | Lt]) -> str:
    bounds = (constraint for constraint in field.metadata if isinstance(constraint, kind))
    return next((f"{getattr(bound, kind.__name__.lower())}" for bound in bounds), "")


def _format(value: object) -> str:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return ",".join(_format(item) for item in value)
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case _:
            return str(value)
