"""Bounds what FFmpeg may allocate at once, which a camera decides: a picture without end fills all memory otherwise."""

import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2

MAX_ALLOCATION_BYTES = 128 * 1024 * 1024
"""A decoded picture of 40 megapixels takes 120 MB."""


def limit_ffmpeg_memory() -> bool:
    """Set the bound for this process; tell whether the FFmpeg that OpenCV uses was found."""
    for path in _loaded_libraries():
        try:
            limit = ctypes.CDLL(str(path)).av_max_alloc
        except (OSError, AttributeError):
            continue
        limit.argtypes, limit.restype = [ctypes.c_size_t], None
        limit(MAX_ALLOCATION_BYTES)
        return True
    return False


def _loaded_libraries() -> Iterator[Path]:
    """Yield the files that may be the libavutil that ``cv2`` was linked with."""
    if sys.platform.startswith("linux"):
        mapped = {line.split(maxsplit=5)[-1].strip() for line in Path("/proc/self/maps").read_text().splitlines()}
        yield from (Path(name) for name in sorted(mapped) if Path(name).name.startswith("libavutil"))
    package = Path(cv2.__file__).parent
    yield from sorted((package / ".dylibs").glob("libavutil*"))
