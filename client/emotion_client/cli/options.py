"""Options that commands share."""

import sys
from enum import StrEnum
from typing import Annotated, TextIO

import typer

from emotion_client.client import EmotionClient
from emotion_client.connection import DEFAULT_URL

Url = Annotated[str, typer.Option("--url", envvar="EMOTION_URL", help="The gateway's address.")]
ApiKey = Annotated[
    str | None,
    typer.Option("--api-key", envvar="EMOTION_API_KEY", show_envvar=True, help="Where the gateway asks for one."),
]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds for one answer, all tries together.")]


class Format(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"


Formatted = Annotated[
    Format | None,
    typer.Option("--format", "-f", help="Table in a terminal, else JSON lines, if left out.", case_sensitive=False),
]


def chosen_format(given: Format | None, out: TextIO | None = None) -> Format:
    """Return the format: what was asked for, else what suits the reader."""
    return given or (Format.TABLE if (out or sys.stdout).isatty() else Format.JSONL)


def open_client(url: str, api_key: str | None, timeout: float) -> EmotionClient:
    """Return a client.

    Raises:
        typer.BadParameter: The address is none.
    """
    try:
        return EmotionClient(url or DEFAULT_URL, api_key, timeout=timeout)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from error
