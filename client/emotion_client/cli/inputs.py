"""The input files of a command."""

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

IMAGE_EXTENSIONS = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp"})
VIDEO_EXTENSIONS = frozenset(
    {".3gp", ".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"}
)
STDIN = "-"


class InputError(Exception):
    """An input can't be read."""


class InputKind(Enum):
    """The kind of an input."""

    IMAGE = auto()
    VIDEO = auto()
    STDIN = auto()
    MISSING = auto()
    EMPTY_FOLDER = auto()


@dataclass(frozen=True)
class Input:
    """One file to read, or a name without one."""

    name: str
    kind: InputKind


def find_inputs(names: Iterable[str]) -> Iterator[Input]:
    """Yield the inputs for names given on the command line.

    A folder stands for the images and videos in it and in its subfolders, sorted, without hidden ones. A file given by
    name is read as an image unless its extension is that of a video; the gateway decides whether it is one.
    """
    for name in names:
        path = Path(name)
        if name == STDIN:
            yield Input(name, InputKind.STDIN)
        elif path.is_dir():
            yield from _files_in(name)
        elif not path.exists():
            yield Input(name, InputKind.MISSING)
        else:
            yield Input(name, kind_of(name) or InputKind.IMAGE)


def read_input(source: Input) -> bytes:
    """Return the bytes of an image file.

    Raises:
        InputError: The file doesn't exist or can't be read.
    """
    if source.kind is InputKind.MISSING:
        raise InputError("no such file or folder")
    if source.kind is InputKind.EMPTY_FOLDER:
        raise InputError("no images or videos in this folder")
    if source.kind is InputKind.STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(source.name).read_bytes()
    except OSError as error:
        raise InputError(error.strerror or str(error)) from error


def kind_of(name: str) -> InputKind | None:
    """Return the kind of a file by its extension."""
    extension = os.path.splitext(name)[1].lower()
    if extension in VIDEO_EXTENSIONS:
        return InputKind.VIDEO
    return InputKind.IMAGE if extension in IMAGE_EXTENSIONS else None


def _files_in(folder: str) -> Iterator[Input]:
    is_empty = True
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for file in sorted(files):
            kind = kind_of(file)
            if kind is not None and not file.startswith("."):
                is_empty = False
                yield Input(os.path.join(parent, file), kind)
    if is_empty:
        yield Input(folder, InputKind.EMPTY_FOLDER)
