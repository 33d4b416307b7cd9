"""Ties ``emotion predict`` to files, the terminal and the gateway."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import typer

from emotion_client.cli.bar import Bar
from emotion_client.cli.exits import ExitCode, ending, say
from emotion_client.cli.inputs import Input, Kind, find_inputs, read_input
from emotion_client.cli.options import Format, chosen_format
from emotion_client.cli.predicting import Edges, predict_all
from emotion_client.cli.video import open_video
from emotion_client.cli.writers import Write, flushing, make_writer
from emotion_client.client import EmotionClient
from services.contracts.text import printable

_TIME_WIDTH = len(" 1234.56 s")


def run_predict(
    client: EmotionClient, names: Sequence[str], format_: Format | None, output: Path | None, fps: float | None
) -> None:
    """Analyse the files.

    Raises:
        typer.Exit: Not all went well.
    """
    inputs = list(find_inputs(names))
    with ending(), client, _opened(output) as write, Bar(len(inputs)) as bar:
        writer = make_writer(_format(format_, output), write, _place_width(inputs))
        edges = Edges(
            read=read_input,
            open_video=partial(open_video, fps=fps),
            sleep=time.sleep,
            result=writer,
            failed=lambda name, why: say(f"{name}: {why}"),
            progress=bar,
        )
        well = predict_all(client, inputs, edges)
    if not well:
        raise typer.Exit(ExitCode.FAILED)


@contextmanager
def _opened(output: Path | None) -> Iterator[Write]:
    if output is None:
        # Looked up each time: the bar stands in for stdout while it is shown.
        yield lambda text: flushing(sys.stdout)(text)
        return
    with output.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        yield flushing(file)


def _format(given: Format | None, output: Path | None) -> Format:
    """Return the format: what was asked for, else what the output's name says, else what suits the reader."""
    if given is not None or output is None:
        return chosen_format(given)
    return Format.CSV if output.suffix.lower() == ".csv" else Format.JSONL


def _place_width(inputs: Sequence[Input]) -> int:
    return max((len(printable(given.name)) + _TIME_WIDTH * (given.kind is Kind.VIDEO) for given in inputs), default=0)
