"""Keeps the memory of a long-lived process near what it uses."""

import asyncio
import ctypes
import gc
import sys
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
