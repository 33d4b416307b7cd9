"""From a settings class to the rows of its table."""

from typing import Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from docgen.tables import code, table

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
