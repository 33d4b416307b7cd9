"""Write results as they come, in one of three formats."""

import csv
import io
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Annotated, Any, Protocol, TextIO

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from emotion_client.client import EmotionClient
from emotion_client.transport import DEFAULT_URL
from services.contracts.cameras import CameraView
from services.contracts.emotions import EMOTIONS
from services.contracts.prediction import FaceEmotion, Prediction
from services.contracts.text import csv_text, printable

COLUMNS = (
    *("file", "frame", "time_s", "face", "x", "y", "w", "h"),
    *("emotion", "confidence", "reliable", "sharpness", *(emotion.value for emotion in EMOTIONS), "model_version"),
)
"""Of CSV; one row for each face, and one without a face where there is none."""


@dataclass(frozen=True)
class Analysed:
    """One image, or one frame of a video.

    Attributes:
        file: Its name.
        frame: Counted from 0, in a video.
        time_s: From the start, in a video.
    """

    file: str
    prediction: Prediction
    frame: int | None = None
    time_s: float | None = None

    @property
    def place(self) -> str:
        """Where it is from, for people."""
        return self.file if self.time_s is None else f"{self.file} {self.time_s:.2f} s"


def json_object(analysed: Analysed) -> dict[str, Any]:
    """Return the gateway's answer with its place before it."""
    place = {"file": analysed.file, "frame": analysed.frame, "time_s": analysed.time_s}
    return {**place, **analysed.prediction.encode()}


def csv_rows(analysed: Analysed) -> list[list[Any]]:
    """Return one row for each face, in the order of ``COLUMNS``."""
    place = [csv_text(analysed.file), analysed.frame, analysed.time_s]
    if not analysed.prediction.faces:
        return [[*place, *[None] * (len(COLUMNS) - len(place))]]
    version = csv_text(analysed.prediction.model.version or "")
    return [[*place, index, *_face(face), version] for index, face in enumerate(analysed.prediction.faces)]


def _face(face: FaceEmotion) -> list[Any]:
    box = (face.box.x, face.box.y, face.box.w, face.box.h)
    reliable = "true" if face.reliable else "false"
    scores = (face.probabilities[emotion] for emotion in EMOTIONS)
    return [*box, face.emotion.value, face.confidence, reliable, face.sharpness, *scores]


def table_line(analysed: Analysed, face: FaceEmotion | None, place_width: int) -> str:
    """Return one line of the table; an emotion that isn't reliable has a question mark."""
    place = f"{printable(analysed.place):<{place_width}}"
    if face is None:
        return f"{place}  no face"
    emotion = face.emotion.value + ("" if face.reliable else "?")
    box = f"{face.box.w}×{face.box.h} at {face.box.x},{face.box.y}"
    return f"{place}  {emotion:<9} {face.confidence:>5.0%}  {box}"


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


Write = Callable[[str], object]


class Writer(Protocol):
    """Takes one result after the other."""

    def __call__(self, analysed: Analysed) -> None:
        """Write it, so that whoever reads along has it at once."""


class _Sink:
    """A place for ``csv.writer``, which wants an object."""

    def __init__(self, write: Write) -> None:
        self.write = write


def make_writer(format_: Format, write: Write, place_width: int) -> Writer:
    """Return the writer of a format; a header is written first, where there is one.

    Args:
        format_: Which.
        write: Takes text.
        place_width: Letters of the longest place, for the table.
    """
    if format_ is Format.JSONL:
        return lambda analysed: _done(write(json.dumps(json_object(analysed)) + "\n"))
    if format_ is Format.CSV:
        rows = csv.writer(_Sink(write), lineterminator="\n")
        rows.writerow(COLUMNS)
        return lambda analysed: rows.writerows(csv_rows(analysed))
    return lambda analysed: _done(write(_lines(analysed, place_width)))


def flushing(out: TextIO) -> Write:
    """Return what writes to a stream at once."""

    def write(text: str) -> None:
        out.write(text)
        out.flush()

    return write


def _lines(analysed: Analysed, place_width: int) -> str:
    faces = analysed.prediction.faces or (None,)
    return "".join(table_line(analysed, face, place_width) + "\n" for face in faces)


def _done(_: object) -> None:
    return None


_STATE_STYLES = {"online": "green", "finished": "dim"}


def cameras_text(cameras: Sequence[CameraView], format_: Format) -> str:
    """Return the cameras as JSON lines or CSV."""
    rows = [asdict(camera) for camera in cameras]
    if format_ is Format.JSONL:
        return "".join(json.dumps(row) + "\n" for row in rows)
    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(CameraView)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: csv_text(value) if isinstance(value, str) else value for name, value in row.items()} for row in rows
    )
    return out.getvalue()


def cameras_table(cameras: Sequence[CameraView]) -> RenderableType:
    """Return the cameras as a table for people."""
    if not cameras:
        return Text("The gateway has no camera; this says why: emotion doctor")
    table = Table("camera", "state", "fps", "size", "age", "dropped", "source", "last error")
    for camera in cameras:
        table.add_row(
            Text(printable(camera.id)),
            Text(printable(camera.state), style=_STATE_STYLES.get(camera.state, "red")),
            f"{camera.fps:.1f}",
            f"{camera.width}×{camera.height}",
            "–" if camera.age_ms is None else f"{camera.age_ms:.0f} ms",
            str(camera.dropped),
            Text(printable(camera.source)),
            Text(printable(camera.last_error)),
        )
    return table
