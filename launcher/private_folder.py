"""A folder for one run of the launcher, which only this user may enter; for sockets."""

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
"""Most bytes of a socket's path: macOS takes 103, Linux 107."""

_LONGEST_NAME = "/emotion-xxxxxxxx/serving.sock"
_LOCK = "lock"
_YOUNG_S = 60.0


@contextmanager
def private_folder(base: Path | None = None) -> Iterator[Path]:
    """Make a folder of mode 0700 and remove it in the end; remove those of earlier runs that were killed.

    Args:
        base: Where; a folder for sockets of this user, or else for temporary files, if None.
    """
    base = base or _base()
    _remove_stale(base)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))  # its mode is 0700
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the system lets go of it when this process ends, however it does
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _base() -> Path:
    """Return a folder whose path is short enough for a socket."""
    for candidate in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()):
        if candidate and os.access(candidate, os.W_OK | os.X_OK) and fits(Path(candidate)):
            return Path(candidate)
    return Path("/tmp")


def fits(base: Path) -> bool:
    """Tell whether a socket in a private folder in here has a path that systems take."""
    return len(os.fsencode(base)) + len(_LONGEST_NAME) <= MAX_SOCKET_PATH


def _remove_stale(base: Path) -> None:
    for folder in base.glob(f"{PREFIX}*"):
        if _is_stale(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_stale(folder: Path) -> bool:
    """Tell whether it is one of ours whose launcher is gone."""
    try:
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
            return False
        if time.time() - about.st_mtime < _YOUNG_S:  # its launcher may not have locked it yet
            return False
        with (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
