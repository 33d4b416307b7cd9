"""FER2013 in its published form, ``fer2013.csv`` (columns ``emotion,pixels,Usage``)."""

import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.contracts.emotions import EMOTIONS
from services.contracts.model import FACE_SIDE

TRAINING = "Training"
VALIDATION = "PublicTest"
TEST = "PrivateTest"
USAGES = (TRAINING, VALIDATION, TEST)
PUBLISHED_ROWS = {TRAINING: 28_709, VALIDATION: 3_589, TEST: 3_589}

Row = TypeVar("Row")

_COLUMNS = ["emotion", "pixels", "Usage"]
_LEAKED_HASHES = Path(__file__).parent / "leaked_hashes.txt"


class DatasetError(ValueError):
    """The file is missing, truncated or malformed; the message names file and line."""


@dataclass(frozen=True)
class Split:
    """The rows of one usage.

    Attributes:
        images: uint8 [n, 48, 48], grayscale.
        labels: uint8 [n], indices into ``EMOTIONS``.
        votes: float32 [n, 7], the distribution of FER+'s votes, if it was read; see :mod:`training.data.ferplus`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    votes: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def sha256(self) -> str:
        """Digest of pixels and labels, independent of the format of the file."""
        digest = hashlib.sha256(self.images.tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()

    def select(self, keep: NDArray[np.bool_]) -> "Split":
        """Return the rows for which ``keep`` (bool [n]) is true."""
        votes = None if self.votes is None else self.votes[keep]
        return Split(self.images[keep], self.labels[keep], votes)


def read_splits(path: Path) -> dict[str, Split]:
    """Read every usage in the file.

    Raises:
        DatasetError: The file can't be read, or a line isn't a label, 2,304 pixels and a usage.
    """
    images: dict[str, list[NDArray[np.uint8]]] = {}
    labels: dict[str, list[int]] = {}
    for usage, label, image in parsed_rows(path, _COLUMNS, _parse):
        images.setdefault(usage, []).append(image)
        labels.setdefault(usage, []).append(label)
    if not images:
        raise DatasetError(f"{path}: no rows after the header")
    return {usage: Split(np.stack(images[usage]), np.array(labels[usage], np.uint8)) for usage in images}


def check_published(splits: dict[str, Split]) -> list[str]:
    """Return a warning for each usage whose number of rows differs from the published file.

    A subset may be intended. But a file truncated at the end of a line has no other symptom.
    """
    return [
        f"{len(split):,} rows with usage {usage}, but the published file has {PUBLISHED_ROWS[usage]:,}"
        for usage, split in splits.items()
        if len(split) != PUBLISHED_ROWS[usage]
    ]


def require_usage(splits: dict[str, Split], usage: str, path: Path) -> Split:
    """Return one usage of the splits read from ``path``.

    Raises:
        DatasetError: The file has no such row.
    """
    if usage not in splits:
        raise DatasetError(f"{path}: no rows with usage {usage}")
    return splits[usage]


def image_digest(image: NDArray[np.uint8]) -> str:
    """Return the first 16 hex digits of the SHA-256 of an image's pixels."""
    return hashlib.sha256(image.tobytes()).hexdigest()[:16]


def leaked_hashes() -> frozenset[str]:
    """Return the digests of training images that are also in a later split of the published file."""
    lines = _LEAKED_HASHES.read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def without_duplicates(training: Split, *later: Split) -> Split:
    """Return the training rows whose pixels are in no later split.

    The list of leaked hashes is used in addition to the given splits, so that images of ``PrivateTest`` are excluded
    even if the file doesn't contain that split.
    """
    known = leaked_hashes() | {image_digest(image) for split in later for image in split.images}
    return training.select(np.array([image_digest(image) not in known for image in training.images], np.bool_))


def deduplicated_training(splits: dict[str, Split], path: Path) -> tuple[Split, int]:
    """Return the rows to train on, and the number left out because their pixels are in a later split.

    Raises:
        DatasetError: The file has no row to train on.
    """
    training = require_usage(splits, TRAINING, path)
    kept = without_duplicates(training, *(split for usage, split in splits.items() if usage != TRAINING))
    if not len(kept):
        raise DatasetError(f"{path}: every {TRAINING} row is also in a later split")
    return kept, len(training) - len(kept)


def parsed_rows(path: Path, columns: Sequence[str], parse: Callable[[list[str]], Row]) -> Iterator[Row]:
    """Yield each row of a CSV file with these columns.

    Args:
        path: A text file in UTF-8.
        columns: The names in the header, in this order.
        parse: Converts the cells of a line, one per column, to a row; raises ``ValueError`` if they are invalid.

    Raises:
        DatasetError: The file can't be read, or a line is invalid.
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
            raise DatasetError(_encoding_error(path)) from error
        except OSError as error:
            raise DatasetError(f"{path}: {error.strerror}") from error
        except (ValueError, csv.Error) as error:
            raise DatasetError(f"{path}, line {max(1, reader.line_num)}: {error}") from error


def as_usage(text: str) -> str:
    """Return the usage in a cell.

    Raises:
        ValueError: The cell holds no usage.
    """
    usage = text.strip()
    if usage not in USAGES:
        raise ValueError(f"usage {usage[:20]!r} is not one of {', '.join(USAGES)} (is the file truncated?)")
    return usage


def _check_header(header: list[str], columns: Sequence[str]) -> None:
    if [name.strip() for name in header] != list(columns):
        raise ValueError(f"expected the header {','.join(columns)}, got {','.join(header)[:80]!r}")


def _encoding_error(path: Path) -> str:
    """Describe the first invalid byte; the reader decodes ahead of its line number, so the bytes are searched."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                if number == 1:
                    break
                return f"{path}, line {number}: byte {line[error.start]:#04x} is not UTF-8 (is the file damaged?)"
    return f"{path}: not a text file (is it compressed?)"


def _parse(cells: list[str]) -> tuple[str, int, NDArray[np.uint8]]:
    return as_usage(cells[2]), _label(cells[0]), _image(cells[1])


def _label(text: str) -> int:
    labels = [str(label) for label in range(len(EMOTIONS))]
    if text.strip() not in labels:
        raise ValueError(f"emotion {text[:20]!r} is not one of {', '.join(labels)}")
    return int(text)


def _image(text: str) -> NDArray[np.uint8]:
    try:
        pixels = np.loadtxt([text], np.uint8, comments=None, ndmin=1) if text.strip() else np.empty(0, np.uint8)
    except ValueError as error:
        raise ValueError("a pixel is not a whole number in 0..255") from error
    if pixels.size != FACE_SIDE * FACE_SIDE:
        raise ValueError(f"expected {FACE_SIDE * FACE_SIDE} pixels, got {pixels.size} (is the file truncated?)")
    return pixels.reshape(FACE_SIDE, FACE_SIDE)
