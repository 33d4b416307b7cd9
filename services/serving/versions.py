"""Finds versions of a model on disk."""

import os
from pathlib import Path

SAVED_MODEL = "saved_model.pb"
LARGEST_VERSION = (1 << 63) - 1
"""Versions travel as 64-bit integers."""

Stamp = frozenset[tuple[str, int, int]]
"""What tells whether a folder's files have changed: path, time and size of each."""


class NoVersionError(Exception):
    """Versions can't be looked for; the message says where it was tried."""


def find_versions(base: Path) -> dict[int, Path]:
    """Return the numbered folders that hold a SavedModel.

    Raises:
        NoVersionError: The base path can't be read.
    """
    try:
        return {int(path.name): path for path in sorted(base.iterdir()) if _is_version(path)}
    except OSError as error:
        raise NoVersionError(f"The base path {base} can't be read: {error.strerror}") from error


def stamp(folder: Path) -> Stamp:
    """Return what changes when a file arrives, grows or is replaced."""
    found = set()
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            try:
                status = os.stat(path)
            except OSError:  # gone in the meantime
                continue
            found.add((path, status.st_mtime_ns, status.st_size))
    return frozenset(found)


def _is_version(path: Path) -> bool:
    named = path.name.isascii() and path.name.isdecimal() and int(path.name) <= LARGEST_VERSION
    return named and (path / SAVED_MODEL).is_file()
