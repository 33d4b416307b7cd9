"""Write results as they come, in one of three formats."""

import csv
import json
from collections.abc import Callable
from typing import Protocol, TextIO

from emotion_client.cli.options import Format
from emotion_client.cli.rows import COLUMNS, Analysed, csv_rows, json_object, table_line

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
