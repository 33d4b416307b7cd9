"""Pictures as files, for systems in processes of their own."""

from collections.abc import Sequence
from pathlib import Path


def write_frames(folder: Path, jpegs: Sequence[bytes]) -> list[Path]:
    """Write each JPEG to a file, and return the files in the same order; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{index:05d}.jpg" for index in range(len(jpegs))]
    for path, jpeg in zip(paths, jpegs, strict=True):
        path.write_bytes(jpeg)
    return paths
