"""Writes files and folders so that nobody, whatever happens, meets half of one."""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path
from typing import TextIO, TypeVar


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that a reader, or a kill, never meets half of it."""
    partial = path.with_name(f".partial-{path.name}")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


@contextmanager
def appearing_whole(target: Path) -> Iterator[Path]:
    """Give a folder to write into, which becomes ``target`` at the end unless something was raised."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that renaming is one step; a name that is no number is no version to a model server.
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=target.parent) as scratch:
        partial = Path(scratch) / target.name
        # Unlike the scratch folder around it, readable for whoever serves it.
        partial.mkdir()
        yield partial
        partial.rename(target)


Item = TypeVar("Item")

_WIDTH = 30
_PERIOD_S = 0.1


def progress(items: Sequence[Item], what: str, stream: TextIO | None = None) -> Iterator[Item]:
    """Yield the items while a bar grows on a terminal; elsewhere, as in a log, one line tells the end."""
    out = stream or sys.stderr
    lively = out.isatty()
    started = shown = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if lively and (done == 0 or now - shown >= _PERIOD_S):
            shown = now
            out.write(f"\r{what} {_bar(done, len(items))} {done}/{len(items)}")
            out.flush()
        yield item
    begin = f"\r{what} {_bar(1, 1)}" if lively else f"{what}:"
    out.write(f"{begin} {len(items)} in {time.monotonic() - started:.0f} s\n")
    out.flush()


def _bar(done: int, total: int) -> str:
    full = _WIDTH * done // total
    return f"[{'=' * full}{' ' * (_WIDTH - full)}]"


_LIBRARIES = ("keras", "numpy", "opencv-python-headless", "tensorflow-cpu", "tensorflow", "jax", "jaxlib", "torch")


def revision() -> str | None:
    """Return the git revision of this code, or None where it isn't in a git checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def libraries() -> dict[str, str]:
    """Return the versions of Python and of the libraries that decide what comes out of training and export."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = installed(name)
        except PackageNotFoundError:
            continue
    return found
