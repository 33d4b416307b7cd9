"""Ties ``emotion predict`` to files, the terminal and the gateway."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from emotion_client.cli.exit_codes import ExitCode, ending, say, sentence
from emotion_client.cli.inputs import Input, InputError, Kind, find_inputs, read_input
from emotion_client.cli.output import Analysed, Format, Write, chosen_format, flushing, make_writer
from emotion_client.cli.video import Video, open_video
from emotion_client.client import EmotionClient
from emotion_client.errors import (
    AccessError,
    EmotionError,
    RateLimitedError,
    RequestError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
)
from services.contracts.prediction import Prediction
from services.contracts.text import printable

_PATIENT_TRIES = 10
_LONGEST_WAIT_S = 60.0

HOPELESS = (AccessError, RequestError, UnavailableError, UnexpectedAnswerError, UnreachableError)
"""What would fail for every other input too."""


class Predicts(Protocol):
    """What is asked of the client."""

    def predict(self, image: bytes) -> Prediction:
        """Return the emotions in an image."""


class ProgressReporter(Protocol):
    """Is told how far it got."""

    def begin(self, name: str) -> None:
        """Begin with the next input."""

    def expect(self, count: int | None) -> None:
        """It has so many images, if that is known."""

    def advance(self) -> None:
        """One image is done."""


@dataclass(frozen=True)
class Edges:
    """What reads the inputs, waits, and takes the results.

    Attributes:
        read: Gives an input's bytes, or raises ``InputError``.
        open_video: Opens a video file.
        sleep: Waits for so many seconds.
        result: Takes each result.
        failed: Takes the name of an input that failed, and why.
        progress: Is told how far it got.
    """

    read: Callable[[Input], bytes]
    open_video: Callable[[str], Video]
    sleep: Callable[[float], None]
    result: Callable[[Analysed], None]
    failed: Callable[[str, str], None]
    progress: ProgressReporter


def predict_all(client: Predicts, inputs: Iterable[Input], edges: Edges) -> bool:
    """Analyse the inputs, and tell whether all came out well.

    Raises:
        EmotionError: Something that would keep every other input from being analysed too.
    """
    well = True
    for given in inputs:
        edges.progress.begin(given.name)
        try:
            for analysed in _analyse(client, given, edges):
                edges.result(analysed)
        except HOPELESS:
            raise
        except EmotionError as error:
            edges.failed(given.name, sentence(error))
            well = False
        except InputError as error:
            edges.failed(given.name, str(error))
            well = False
    return well


def _analyse(client: Predicts, given: Input, edges: Edges) -> Iterator[Analysed]:
    if given.kind is not Kind.VIDEO:
        edges.progress.expect(1)
        yield Analysed(given.name, _patiently(client, edges.read(given), edges.sleep))
        edges.progress.advance()
        return
    video = edges.open_video(given.name)
    edges.progress.expect(video.count)
    for frame in video.frames:
        prediction = _patiently(client, frame.jpeg, edges.sleep)
        yield Analysed(given.name, prediction, frame.index, round(frame.time_s, 3))
        edges.progress.advance()


def _patiently(client: Predicts, image: bytes, sleep: Callable[[float], None]) -> Prediction:
    """Ask as fast as a rate limit allows."""
    for _ in range(_PATIENT_TRIES):
        try:
            return client.predict(image)
        except RateLimitedError as error:
            sleep(min(error.retry_after or 1.0, _LONGEST_WAIT_S))
    return client.predict(image)


class Bar:
    """Shows on stderr, in a terminal, how far a video or a row of images is."""

    def __init__(self, inputs: int) -> None:
        """Show nothing yet; of several inputs a line of its own tells how many are done."""
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            # What is written to the same terminal meanwhile goes above the bar; a file gets it untouched.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._begun = 0
        self._all = self._progress.add_task("all", total=inputs, visible=inputs > 1)
        self._task = self._progress.add_task("", total=None)

    def __enter__(self) -> Self:
        """Start to show it."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away."""
        self._progress.stop()

    def begin(self, name: str) -> None:
        """Begin with the next input."""
        self._progress.update(self._all, completed=self._begun)
        self._begun += 1
        self._progress.reset(self._task, description=printable(name), total=None)

    def expect(self, count: int | None) -> None:
        """It has so many images, if that is known."""
        self._progress.update(self._task, total=count)

    def advance(self) -> None:
        """One image is done."""
        self._progress.advance(self._task)


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
