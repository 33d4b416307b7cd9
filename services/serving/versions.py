"""Finds versions of a model on disk."""

from pathlib import Path

SAVED_MODEL = "saved_model.pb"
LARGEST_VERSION = (1 << 63) - 1
"""Versions travel as 64-bit integers."""


class NoVersionError(Exception):
    """There is nothing to load; the message says where it was looked for."""


def newest_version(base: Path) -> tuple[int, Path]:
    """Return the highest numbered folder that holds a SavedModel, with its number.

    Raises:
        NoVersionError: There is none, or the base path can't be read.
    """
    try:
        found = [(int(path.name), path) for path in base.iterdir() if _is_version(path)]
    except OSError as error:
        raise NoVersionError(f"The base path {base} can't be read: {error.strerror}") from error
    if not found:
        raise NoVersionError(f"No numbered folder with a {SAVED_MODEL} under {base}")
    return max(found)


def _is_version(path: Path) -> bool:
    named = path.name.isascii() and path.name.isdecimal() and int(path.name) <= LARGEST_VERSION
    return named and (path / SAVED_MODEL).is_file()
