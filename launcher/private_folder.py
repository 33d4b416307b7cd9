"""A folder for the sockets of one run, which only this user may enter."""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "emotion-"
MAX_SOCKET_PATH = 100
"""Longest path of a socket; macOS allows 103 bytes, Linux 107."""

_LONGEST_NAME = "/emotion-xxxxxxxx/serving.sock"
_LOCK = "lock"
_MIN_AGE_S = 60.0


@contextmanager
def private_folder(base: Path | None = None) -> Iterator[Path]:
    """Create a folder of mode 0700 and remove it at the end; also remove folders that killed runs left behind.

    Args:
        base: The parent folder; if None, the user's runtime directory, or else the one for temporary files.
    """
    base = base or _base()
    _remove_stale(base)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))  # its mode is 0700
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the system releases the lock when this process ends, even if it is killed
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _base() -> Path:
    """Return a parent folder whose path is short enough for a socket."""
    for candidate in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()):
        if candidate and os.access(candidate, os.W_OK | os.X_OK) and fits(Path(candidate)):
            return Path(candidate)
    return Path("/tmp")  # noqa: S108 - the folder made below it has mode 0700 and a random name


def fits(base: Path) -> bool:
    """Return whether a socket in a private folder below this one has an allowed path."""
    return len(os.fsencode(base)) + len(_LONGEST_NAME) <= MAX_SOCKET_PATH


def _remove_stale(base: Path) -> None:
    for folder in base.glob(f"{PREFIX}*"):
        if _is_stale(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_stale(folder: Path) -> bool:
    """Return whether the launcher that created this folder has ended."""
    try:
        info = folder.lstat()
        if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid():
            return False
        if time.time() - info.st_mtime < _MIN_AGE_S:  # its launcher may not have locked it yet
            return False
        with (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
