"""Reads the datasets' CSV files so that a fault is told with file and line."""

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

Row = TypeVar("Row")


class DatasetError(ValueError):
    """The file is missing, truncated or malformed; the message names file and line."""


def parsed_rows(path: Path, columns: Sequence[str], parse: Callable[[list[str]], Row]) -> Iterator[Row]:
    """Yield each row of a CSV file whose first line names these columns.

    Args:
        path: A text file in UTF-8.
        columns: What the header must hold, in this order.
        parse: Turns the cells of a line, as many as columns, into a row; raises ``ValueError`` if they are none.

    Raises:
        DatasetError: The file can't be read, or a line isn't what it must be.
    """
    try:
        stream = path.open(newline="", encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}") from error
    with stream:
        reader = csv.reader(stream)
        try:
            _check_header(next(reader, []), columns)
            for cells in reader:
                if len(cells) != len(columns):
                    raise ValueError(f"expected {len(columns)} columns, got {len(cells)} (is the file truncated?)")
                yield parse(cells)
        except UnicodeDecodeError as error:
            raise DatasetError(_not_text(path)) from error
        except OSError as error:
            raise DatasetError(f"{path}: {error.strerror}") from error
        except (ValueError, csv.Error) as error:
            raise DatasetError(f"{path}, line {max(1, reader.line_num)}: {error}") from error


def _not_text(path: Path) -> str:
    """Tell where a file stops being text: decoding runs ahead of the lines, so it is looked up by its bytes."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                if number == 1:
                    break
                return f"{path}, line {number}: byte {line[error.start]:#04x} is no text (is the file damaged?)"
    return f"{path}: not a text file (is it still packed?)"


def _check_header(header: list[str], columns: Sequence[str]) -> None:
    if [name.strip() for name in header] != list(columns):
        raise ValueError(f"expected the header {','.join(columns)}, got {','.join(header)[:80]!r}")
