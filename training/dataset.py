"""Reads FER2013 in its published form, ``fer2013.csv`` (columns ``emotion,pixels,Usage``)."""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.contracts.emotions import EMOTIONS
from services.contracts.model import FACE_SIDE

TRAINING = "Training"
VALIDATION = "PublicTest"
TEST = "PrivateTest"
USAGES = (TRAINING, VALIDATION, TEST)

_COLUMNS = ["emotion", "pixels", "Usage"]
_KNOWN_DUPLICATES = Path(__file__).parent / "seen_elsewhere.txt"


class DatasetError(ValueError):
    """The file is missing, truncated or malformed; the message names file and line."""


@dataclass(frozen=True)
class Split:
    """The rows of one usage.

    Attributes:
        images: uint8 [n, 48, 48], grayscale.
        labels: uint8 [n], indices into ``EMOTIONS``.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, keep: NDArray[np.bool_]) -> "Split":
        """Return the rows where ``keep`` (bool [n]) is true."""
        return Split(self.images[keep], self.labels[keep])


def read_splits(path: Path) -> dict[str, Split]:
    """Read every usage that the file holds.

    Raises:
        DatasetError: The file can't be read, or a line isn't a label, 2,304 pixels and a usage.
    """
    images: dict[str, list[NDArray[np.uint8]]] = {}
    labels: dict[str, list[int]] = {}
    for usage, label, image in _rows(path):
        images.setdefault(usage, []).append(image)
        labels.setdefault(usage, []).append(label)
    if not images:
        raise DatasetError(f"{path}: no rows after the header")
    return {usage: Split(np.stack(images[usage]), np.array(labels[usage], np.uint8)) for usage in images}


def image_digest(image: NDArray[np.uint8]) -> str:
    """Return 16 hex digits that name the pixels of one image."""
    return hashlib.sha256(image.tobytes()).hexdigest()[:16]


def known_duplicates() -> frozenset[str]:
    """Return the digests of training images that stand in a later split of the published file."""
    lines = _KNOWN_DUPLICATES.read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def without_duplicates(training: Split, *later: Split) -> Split:
    """Return the training rows whose pixels stand in no later split.

    The published list is used besides the splits given, so that leaving ``PrivateTest`` out of the
    file doesn't let its images into training.
    """
    seen = known_duplicates() | {image_digest(image) for split in later for image in split.images}
    return training.select(np.array([image_digest(image) not in seen for image in training.images], np.bool_))


def require(splits: dict[str, Split], usage: str, path: Path) -> Split:
    """Return one usage of what was read from ``path``.

    Raises:
        DatasetError: The file holds no such row.
    """
    if usage not in splits:
        raise DatasetError(f"{path}: no rows with usage {usage}")
    return splits[usage]


def _rows(path: Path) -> Iterator[tuple[str, int, NDArray[np.uint8]]]:
    try:
        stream = path.open(newline="", encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}") from error
    with stream:
        reader = csv.reader(stream)
        try:
            _check_header(next(reader, []))
            for row in reader:
                yield _parse(row)
        except UnicodeDecodeError as error:
            raise DatasetError(f"{path}: not a text file (is it still packed?)") from error
        except (ValueError, csv.Error) as error:
            raise DatasetError(f"{path}, line {max(1, reader.line_num)}: {error}") from error


def _check_header(header: list[str]) -> None:
    if [name.strip() for name in header] != _COLUMNS:
        raise ValueError(f"expected the header {','.join(_COLUMNS)}, got {','.join(header)[:80]!r}")


def _parse(row: list[str]) -> tuple[str, int, NDArray[np.uint8]]:
    if len(row) != len(_COLUMNS):
        raise ValueError(f"expected {len(_COLUMNS)} columns, got {len(row)} (is the file truncated?)")
    label, usage = _label(row[0]), row[2].strip()
    if usage not in USAGES:
        raise ValueError(f"usage {usage!r} is not one of {', '.join(USAGES)} (is the file truncated?)")
    return usage, label, _image(row[1])


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
