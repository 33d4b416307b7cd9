"""``emotion predict``: analyses images and videos one after the other, and continues after an input that fails."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from emotion_client.cli.exit_codes import ExitCode, error_line, exit_on_error, print_error, user_message
from emotion_client.cli.inputs import Input, InputError, InputKind, find_inputs, read_input
from emotion_client.cli.output import Format, FrameResult, Write, flushing, make_writer, resolve_format
from emotion_client.cli.video import Video, open_video
from emotion_client.client import EmotionClient
from emotion_client.errors import (
    AccessError,
    EmotionError,
    RateLimitedError,
    RequestError,
    UnavailableError,
    UnexpectedResponseError,
    UnreachableError,
)
from emotion_client.video import VideoFrame
from services.contracts.prediction import Prediction
from services.contracts.text import escape_controls
from services.contracts.video import TrackedPrediction

FATAL_ERRORS = (AccessError, RequestError, UnavailableError, UnexpectedResponseError, UnreachableError)
"""Errors that every other input would get as well."""

_RATE_LIMIT_ATTEMPTS = 10
_MAX_DELAY_S = 60.0
_TIME_WIDTH = len(" 1234.56 s")


class Predictor(Protocol):
    """The methods of the client that the command uses."""

    def predict(self, image: bytes) -> Prediction:
        """Return the emotions in an image."""

    def predict_video(
        self, frames: Iterable[VideoFrame]
    ) -> Generator[tuple[VideoFrame, TrackedPrediction], None, None]:
        """Yield the result of each frame of a video."""


class ProgressReporter(Protocol):
    """Receives the progress of the command."""

    def start_input(self, name: str) -> None:
        """Start the next input."""

    def set_total(self, count: int | None) -> None:
        """Set the number of images of the input; None if unknown."""

    def advance(self) -> None:
        """Count one image."""


@dataclass(frozen=True)
class PredictIO:
    """Input and output of the command.

    Attributes:
        read: Returns the bytes of an input, or raises ``InputError``.
        open_video: Opens a video file.
        sleep: Waits for some seconds.
        write_result: Writes a result.
        report_failure: Receives the name of an input that failed, and the reason.
        progress: Receives the progress.
    """

    read: Callable[[Input], bytes]
    open_video: Callable[[str], Video]
    sleep: Callable[[float], None]
    write_result: Callable[[FrameResult], None]
    report_failure: Callable[[str, str], None]
    progress: ProgressReporter


@dataclass
class Summary:
    """Counts of one run of the command.

    Attributes:
        inputs: Inputs that were started.
        failed: Inputs that failed.
        images: Images and frames with a result.
        faces: Faces by emotion.
    """

    inputs: int = 0
    failed: int = 0
    images: int = 0
    faces: Counter[str] = field(default_factory=Counter)

    def count(self, result: FrameResult) -> None:
        """Count a result."""
        self.images += 1
        self.faces.update(face.emotion.value for face in result.prediction.faces)

    def __str__(self) -> str:
        """Return one line, such as ``3 inputs: 1 analysed, 2 failed; 1 face: happy 1``."""
        parts = [_number(self.inputs, "input") + f": {self.inputs - self.failed} analysed, {self.failed} failed"]
        if self.images > self.inputs:
            parts.append(_number(self.images, "image"))
        emotions = ", ".join(f"{emotion} {count}" for emotion, count in self.faces.most_common())
        parts.append(_number(self.faces.total(), "face") + (f": {emotions}" if emotions else ""))
        return "; ".join(parts)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def run_predict(
    client: EmotionClient, names: Sequence[str], format_: Format | None, output: Path | None, fps: float | None
) -> None:
    """Run the command.

    Raises:
        typer.Exit: Some inputs failed.
    """
    inputs = list(find_inputs(names))
    summary = Summary()
    with exit_on_error(), client, _open_output(output) as write:
        try:
            with ProgressBar(len(inputs)) as bar:
                io = PredictIO(
                    read=read_input,
                    open_video=partial(open_video, fps=fps),
                    sleep=time.sleep,
                    write_result=make_writer(_format(format_, output), write, _label_width(inputs)),
                    report_failure=lambda name, reason: bar.print_error(f"{name}: {reason}"),
                    progress=bar,
                )
                predict_all(client, inputs, io, summary)
        except EmotionError:
            if summary.images:
                _print_summary(summary, inputs)
            raise
        _print_summary(summary, inputs)
    if summary.failed:
        raise typer.Exit(ExitCode.FAILED)


def _print_summary(summary: Summary, inputs: Sequence[Input]) -> None:
    if len(inputs) > 1 or summary.images > 1:
        print_error(str(summary))


@contextmanager
def _open_output(output: Path | None) -> Iterator[Write]:
    if output is None:
        # sys.stdout is looked up for each write: the progress bar replaces it while it is shown.
        yield lambda text: flushing(sys.stdout)(text)
        return
    with output.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        yield flushing(file)


def _format(chosen: Format | None, output: Path | None) -> Format:
    if chosen is not None or output is None:
        return resolve_format(chosen)
    return Format.CSV if output.suffix.lower() == ".csv" else Format.JSONL


def _label_width(inputs: Sequence[Input]) -> int:
    widths = (len(escape_controls(each.name)) + _TIME_WIDTH * (each.kind is InputKind.VIDEO) for each in inputs)
    return max(widths, default=0)


def predict_all(client: Predictor, inputs: Iterable[Input], io: PredictIO, summary: Summary) -> None:
    """Analyse the inputs and count them in the summary.

    Raises:
        EmotionError: An error that every other input would get as well.
    """
    for source in inputs:
        summary.inputs += 1
        io.progress.start_input(source.name)
        try:
            for result in _analyse(client, source, io):
                io.write_result(result)
                summary.count(result)
                io.progress.advance()
        except FATAL_ERRORS:
            summary.failed += 1
            raise
        except EmotionError as error:
            io.report_failure(source.name, user_message(error))
            summary.failed += 1
        except InputError as error:
            io.report_failure(source.name, str(error))
            summary.failed += 1


def _analyse(client: Predictor, source: Input, io: PredictIO) -> Iterator[FrameResult]:
    if source.kind is not InputKind.VIDEO:
        io.progress.set_total(1)
        yield FrameResult(source.name, _predict_at_rate_limit(client, io.read(source), io.sleep))
        return
    video = io.open_video(source.name)
    io.progress.set_total(video.count)
    for frame, tracked in client.predict_video(video.frames):
        yield FrameResult(source.name, tracked.prediction, frame.index, round(frame.at_s, 3), tuple(tracked.events))


def _predict_at_rate_limit(client: Predictor, image: bytes, sleep: Callable[[float], None]) -> Prediction:
    """Return the prediction, as soon as the gateway's rate limit allows it."""
    for _ in range(_RATE_LIMIT_ATTEMPTS):
        try:
            return client.predict(image)
        except RateLimitedError as error:
            sleep(min(error.retry_after or 1.0, _MAX_DELAY_S))
    return client.predict(image)


class ProgressBar:
    """The progress of images and videos, on standard error and only in a terminal."""

    def __init__(self, inputs: int, console: Console | None = None) -> None:
        """Create the bar; it has a second line for the number of inputs if there are several."""
        console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            # Results in the same terminal are printed above the bar. A file or a pipe receives them unchanged.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._started = 0
        self._inputs = self._progress.add_task("all", total=inputs, visible=inputs > 1)
        self._input = self._progress.add_task("", total=None)

    def __enter__(self) -> Self:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        self._progress.stop()

    def start_input(self, name: str) -> None:
        """Start the next input."""
        self._progress.update(self._inputs, completed=self._started)
        self._started += 1
        self._progress.reset(self._input, description=escape_controls(name), total=None)

    def set_total(self, count: int | None) -> None:
        """Set the number of images of the input; None if unknown."""
        self._progress.update(self._input, total=count)

    def advance(self) -> None:
        """Count one image."""
        self._progress.advance(self._input)

    def print_error(self, text: str) -> None:
        """Print one line above the bar, unchanged however narrow the terminal is."""
        self._progress.console.print(error_line(text), markup=False, highlight=False, emoji=False, soft_wrap=True)
