"""Writes files and folders so that nobody, whatever happens, meets half of one."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
