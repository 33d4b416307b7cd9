"""Keeps the memory of a long-lived process near what it uses, and off the disk."""

import asyncio
import ctypes
import gc
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_THRESHOLD_BYTES = 1024 * 1024

COLLECT_EVERY_S = 5.0
"""How long garbage in reference cycles stays, as long as a collection takes no more than ``COLLECT_SHARE`` of that."""

COLLECT_SHARE = 0.005


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


def forbid_core_dumps() -> None:
    """Keep the process's memory, which holds pictures, out of core dumps; child processes inherit this.

    The limit of 0 bytes doesn't hold for a handler that the kernel pipes dumps to (core(5)), so on Linux
    the dump of such a handler is left without the process's memory besides.
    """
    with suppress(ImportError, OSError, ValueError):  # not on Windows; a container may forbid it
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        Path("/proc/self/coredump_filter").write_text("0")


async def collect_garbage(every_s: float = COLLECT_EVERY_S) -> None:
    """Collect garbage in reference cycles now and then, until cancelled.

    The interpreter does so when there are enough new objects, which in a quiet process may be never. An error that was
    raised while a picture was sent holds it by the frames of its traceback, often in a cycle. What was loaded before
    the service started is frozen and isn't looked at, so that a collection takes a few milliseconds; where it takes
    longer, since hundreds of clients are connected, it is made less often.
    """
    took_s = 0.0
    while True:
        await asyncio.sleep(max(every_s, took_s / COLLECT_SHARE))
        began_s = monotonic()
        gc.collect()
        took_s = monotonic() - began_s
