"""Runs ``emotion doctor``: collects facts, checks them, and prints the findings."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

import typer
from rich.console import Console
from rich.text import Text

from emotion_client.cli.doctor.checks import check_gateway, check_host
from emotion_client.cli.doctor.facts import Finding, Level
from emotion_client.cli.doctor.gather import inspect_gateway, inspect_host
from emotion_client.cli.exit_codes import ExitCode, exit_on_error
from emotion_client.cli.output import Format, flushing
from emotion_client.client import EmotionClient
from emotion_client.errors import UnreachableError
from services.contracts.text import escape_controls

_MARKS = {Level.OK: ("✓", "green"), Level.WARNING: ("!", "yellow"), Level.ERROR: ("✗", "bold red")}


def run_doctor(client: EmotionClient, url: str, measure: bool, format_: Format) -> None:
    """Run the command.

    Args:
        client: Closed at the end.
        url: The gateway's URL.
        measure: Whether to open the cameras of this machine.
        format_: Table or JSON lines.

    Raises:
        typer.Exit: There is a problem.
    """
    with exit_on_error(), client:
        gateway, host = inspect_gateway(client, url), inspect_host(measure)
        findings = [*check_gateway(gateway, host.system), *check_host(host)]
        if format_ is Format.JSONL:
            flushing(sys.stdout)("".join(json.dumps(asdict(finding)) + "\n" for finding in findings))
        else:
            Console(soft_wrap=True, highlight=False).print(report(findings), end="")
    if isinstance(gateway.error, UnreachableError):
        raise typer.Exit(ExitCode.UNREACHABLE)
    if any(finding.level is Level.ERROR for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def report(findings: Sequence[Finding]) -> Text:
    """Return the findings, each with its remedy below, and the number of problems."""
    text = Text()
    for finding in findings:
        mark, style = _MARKS[finding.level]
        subject, detail = escape_controls(finding.subject), escape_controls(finding.detail)
        text.append(f"{mark} ", style=style).append(subject, style="bold").append(f": {detail}\n")
        if finding.remedy:
            text.append(f"    {escape_controls(finding.remedy)}\n", style="cyan")
    errors = sum(finding.level is Level.ERROR for finding in findings)
    warnings = sum(finding.level is Level.WARNING for finding in findings)
    return text.append(f"{_count(errors, 'problem')}, {_count(warnings, 'warning')}\n")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
