"""Results as tables, JSON lines and CSV."""

import csv
import io
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Protocol, TextIO

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from services.contracts.cameras import CameraView
from services.contracts.emotions import EMOTIONS
from services.contracts.live import EmotionEvent
from services.contracts.messages import to_dict
from services.contracts.prediction import FaceEmotion, Prediction
from services.contracts.text import csv_text, escape_controls

COLUMNS = (
    *("file", "frame", "time_s", "face", "face_id", "x", "y", "w", "h"),
    *("emotion", "confidence", "reliable", "sharpness", *(emotion.value for emotion in EMOTIONS), "model_version"),
)
"""Columns of the CSV: one row for each face; an image without a face has one row with empty cells."""

_STATE_STYLES = {"online": "green", "finished": "dim"}

Write = Callable[[str], object]


class Format(StrEnum):
    """Output formats."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"


def resolve_format(chosen: Format | None, out: TextIO | None = None) -> Format:
    """Return the chosen format; by default a table in a terminal, else JSON lines."""
    return chosen or (Format.TABLE if (out or sys.stdout).isatty() else Format.JSONL)


def flushing(out: TextIO) -> Write:
    """Return a function that writes to a stream and flushes it."""

    def write(text: str) -> None:
        out.write(text)
        out.flush()

    return write


@dataclass(frozen=True)
class FrameResult:
    """The result for one image, or for one frame of a video.

    Attributes:
        file: File name.
        frame: Number of the frame in a video, from 0.
        time_s: Seconds from the start of a video.
        events: Emotions that started or ended in this frame of a video.
    """

    file: str
    prediction: Prediction
    frame: int | None = None
    time_s: float | None = None
    events: tuple[EmotionEvent, ...] | None = None

    @property
    def label(self) -> str:
        """File and time, for people."""
        return self.file if self.time_s is None else f"{self.file} {self.time_s:.2f} s"


class ResultWriter(Protocol):
    """Writes one result."""

    def __call__(self, result: FrameResult) -> None:
        """Write a result and flush."""


def make_writer(format_: Format, write: Write, label_width: int) -> ResultWriter:
    """Return the writer of a format; CSV starts with its header.

    Args:
        format_: The format.
        write: Receives the text.
        label_width: Characters of the longest label, for the table.
    """
    if format_ is Format.JSONL:
        return lambda result: _discard(write(json.dumps(json_object(result)) + "\n"))
    if format_ is Format.CSV:
        rows = csv.writer(_Sink(write), lineterminator="\n")
        rows.writerow(COLUMNS)
        return lambda result: rows.writerows(csv_rows(result))
    return lambda result: _discard(write(_table_lines(result, label_width)))


class _Sink:
    """The file-like object that ``csv.writer`` needs."""

    def __init__(self, write: Write) -> None:
        self.write = write


def json_object(result: FrameResult) -> dict[str, Any]:
    """Return the gateway's JSON object, preceded by the file, frame and time."""
    origin = {"file": result.file, "frame": result.frame, "time_s": result.time_s}
    events = {} if result.events is None else {"events": [to_dict(event) for event in result.events]}
    return {**origin, **result.prediction.to_dict(), **events}


def csv_rows(result: FrameResult) -> list[list[Any]]:
    """Return one row for each face, in the order of ``COLUMNS``."""
    origin = [csv_text(result.file), result.frame, result.time_s]
    if not result.prediction.faces:
        return [[*origin, *[None] * (len(COLUMNS) - len(origin))]]
    version = csv_text(result.prediction.model.version or "")
    return [[*origin, index, *_face_cells(face), version] for index, face in enumerate(result.prediction.faces)]


def _face_cells(face: FaceEmotion) -> list[Any]:
    face_id = None if face.face_id is None else csv_text(face.face_id)
    box = (face.box.x, face.box.y, face.box.w, face.box.h)
    reliable = "true" if face.reliable else "false"
    scores = (face.probabilities[emotion] for emotion in EMOTIONS)
    return [face_id, *box, face.emotion.value, face.confidence, reliable, face.sharpness, *scores]


def _table_lines(result: FrameResult, label_width: int) -> str:
    faces = result.prediction.faces or (None,)
    return "".join(table_line(result, face, label_width) + "\n" for face in faces)


def table_line(result: FrameResult, face: FaceEmotion | None, label_width: int) -> str:
    """Return one line of the table; a question mark marks an unreliable emotion."""
    label = f"{escape_controls(result.label):<{label_width}}"
    if face is None:
        return f"{label}  no face"
    emotion = face.emotion.value + ("" if face.reliable else "?")
    box = f"{face.box.w}×{face.box.h} at {face.box.x},{face.box.y}"
    return f"{label}  {emotion:<9} {face.confidence:>5.0%}  {box}"


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
    """Return the cameras as a table."""
    if not cameras:
        return Text("The gateway has no cameras. To find out why, run: emotion doctor")
    table = Table("camera", "state", "fps", "size", "age", "dropped", "source", "last error")
    for camera in cameras:
        table.add_row(
            Text(escape_controls(camera.id)),
            Text(escape_controls(camera.state), style=_STATE_STYLES.get(camera.state, "red")),
            f"{camera.fps:.1f}",
            f"{camera.width}×{camera.height}",
            "–" if camera.age_ms is None else f"{camera.age_ms:.0f} ms",
            str(camera.dropped),
            Text(escape_controls(camera.source)),
            Text(escape_controls(camera.last_error)),
        )
    return table


def _discard(_: object) -> None:
    return None
