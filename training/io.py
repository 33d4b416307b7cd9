"""Atomic writes, progress bars, and the software environment of a run."""

import os
import platform
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")

_LIBRARIES = ("keras", "numpy", "opencv-python-headless", "tensorflow-cpu", "tensorflow", "jax", "jaxlib", "torch")


def write_atomic(path: Path, text: str) -> None:
    """Write a text file in one step: readers, and a killed process, never leave half of it."""
    partial = path.with_name(f".partial-{path.name}")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


@contextmanager
def atomic_directory(target: Path) -> Iterator[Path]:
    """Yield a directory to write into; it is renamed to ``target`` at the end unless an exception was raised."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # On the same file system as the target, so that the rename is atomic. A model server ignores names that are no
    # number.
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=target.parent) as scratch:
        partial = Path(scratch) / target.name
        # A temporary directory is readable by its owner only; this one is readable by the model server's user.
        partial.mkdir()
        yield partial
        partial.rename(target)


def progress(items: Sequence[Item], description: str, console: Console | None = None) -> Iterable[Item]:
    """Iterate over items with a progress bar on standard error; a log gets one line at the end."""
    return track(items, description, console=console or Console(stderr=True))


def git_revision() -> str | None:
    """Return the git revision of this code, with ``-dirty`` if files differ from it; None outside a git checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        result = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout.strip()


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that affect training and export."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = installed_version(name)
        except PackageNotFoundError:
            continue
    return found
