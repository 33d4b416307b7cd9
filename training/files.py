"""Small things about files that several steps of training need."""

import hashlib
import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that a reader, or a kill, never meets half of it."""
    partial = path.with_name(f".partial-{path.name}")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex digits.

    Raises:
        OSError: The file can't be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
