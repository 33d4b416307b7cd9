"""Which files a command is to read."""

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

IMAGES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp"})
VIDEOS = frozenset(
    {".3gp", ".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"}
)
STDIN = "-"


class InputError(Exception):
    """An input can't be read."""


class Kind(Enum):
    """What an input holds."""

    IMAGE = auto()
    VIDEO = auto()
    STDIN = auto()
    MISSING = auto()
    EMPTY_FOLDER = auto()


@dataclass(frozen=True)
class Input:
    """One file to read, or a name that leads to none."""

    name: str
    kind: Kind


def find_inputs(names: Iterable[str]) -> Iterator[Input]:
    """Yield the inputs that names mean.

    A folder means the images and videos in it and below, by name, without hidden ones. A file that is named itself is
    taken for an image unless it is known for a video: the gateway says what it makes of it.
    """
    for name in names:
        path = Path(name)
        if name == STDIN:
            yield Input(name, Kind.STDIN)
        elif path.is_dir():
            yield from _inside(name)
        elif not path.exists():
            yield Input(name, Kind.MISSING)
        else:
            yield Input(name, kind_of(name) or Kind.IMAGE)


def read_input(given: Input) -> bytes:
    """Return an image's bytes, not decoded.

    Raises:
        InputError: There is no such file, or it can't be read.
    """
    if given.kind is Kind.MISSING:
        raise InputError("no such file or folder")
    if given.kind is Kind.EMPTY_FOLDER:
        raise InputError("no images or videos in this folder")
    if given.kind is Kind.STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(given.name).read_bytes()
    except OSError as error:
        raise InputError(error.strerror or str(error)) from error


def kind_of(name: str) -> Kind | None:
    """Return what a file's name says of it."""
    extension = os.path.splitext(name)[1].lower()
    if extension in VIDEOS:
        return Kind.VIDEO
    return Kind.IMAGE if extension in IMAGES else None


def _inside(folder: str) -> Iterator[Input]:
    empty = True
    for at, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for file in sorted(files):
            kind = kind_of(file)
            if kind is not None and not file.startswith("."):
                empty = False
                yield Input(os.path.join(at, file), kind)
    if empty:
        yield Input(folder, Kind.EMPTY_FOLDER)
