"""Ties ``emotion doctor`` to the terminal."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

import typer
from rich.console import Console
from rich.text import Text

from emotion_client.cli.doctor.checks import judge_gateway, judge_host
from emotion_client.cli.doctor.facts import Finding, Level
from emotion_client.cli.doctor.gather import gather_gateway, gather_host
from emotion_client.cli.exit_codes import ExitCode, ending
from emotion_client.cli.output import Format, flushing
from emotion_client.client import EmotionClient
from emotion_client.errors import UnreachableError
from services.contracts.text import printable

_MARKS = {Level.OK: ("✓", "green"), Level.WARNING: ("!", "yellow"), Level.WRONG: ("✗", "bold red")}


def run_doctor(client: EmotionClient, url: str, measure: bool, format_: Format) -> None:
    """Look, judge and tell.

    Raises:
        typer.BadParameter: The format is CSV.
        typer.Exit: Something is wrong.
    """
    if format_ is Format.CSV:
        raise typer.BadParameter("findings are a table or jsonl", param_hint="--format")
    with ending(), client:
        gateway, host = gather_gateway(client, url), gather_host(measure)
        findings = [*judge_gateway(gateway, host.system), *judge_host(host)]
        if format_ is Format.JSONL:
            flushing(sys.stdout)("".join(json.dumps(asdict(finding)) + "\n" for finding in findings))
        else:
            Console(soft_wrap=True, highlight=False).print(report(findings), end="")
    if isinstance(gateway.error, UnreachableError):
        raise typer.Exit(ExitCode.UNREACHABLE)
    if any(finding.level is Level.WRONG for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def report(findings: Sequence[Finding]) -> Text:
    """Return the findings for people, each with its remedy below."""
    text = Text()
    for finding in findings:
        mark, style = _MARKS[finding.level]
        subject, detail = printable(finding.subject), printable(finding.detail)
        text.append(f"{mark} ", style=style).append(subject, style="bold").append(f": {detail}\n")
        if finding.remedy:
            text.append(f"    {printable(finding.remedy)}\n", style="cyan")
    return text
