"""Results as rows: what files, tables and pipes get."""

from dataclasses import dataclass
from typing import Any

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
