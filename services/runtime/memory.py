"""Keeps the memory of a long-lived process near what it uses."""

import ctypes
import sys

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_THRESHOLD_BYTES = 1024 * 1024


def return_freed_memory() -> None:
    """Let glibc give large blocks back to the system as soon as they are freed.

    Left alone, glibc raises these limits to the size of the largest block it has seen freed, so one
    upload of ten megabytes would keep as much for good. Elsewhere than on glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _THRESHOLD_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _THRESHOLD_BYTES)
