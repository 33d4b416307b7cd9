"""Limits of the process: memory, core dumps and file descriptors."""

import asyncio
import ctypes
import gc
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_THRESHOLD_BYTES = 1024 * 1024

COLLECT_EVERY_S = 5.0
"""Interval of garbage collections, if one takes no more than ``COLLECT_SHARE`` of it."""

COLLECT_SHARE = 0.005


def tune_malloc() -> None:
    """Make glibc return large blocks to the system as soon as they are freed.

    By default glibc raises these thresholds to the size of the largest block that was freed, so that one upload of ten
    megabytes would keep that much memory. Without glibc this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _THRESHOLD_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _THRESHOLD_BYTES)


def disable_core_dumps() -> None:
    """Keep the process's memory, which holds images, out of core dumps; child processes inherit this.

    The limit of 0 bytes doesn't apply to a handler that the kernel pipes dumps to (core(5)), so on Linux the dump for
    such a handler is also emptied.
    """
    with suppress(ImportError, OSError, ValueError):  # not on Windows; a container may forbid it
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        Path("/proc/self/coredump_filter").write_text("0")


async def collect_garbage(every_s: float = COLLECT_EVERY_S) -> None:
    """Collect garbage in reference cycles at intervals, until cancelled.

    The interpreter does so after a number of new objects, which an idle process may never reach. An error that was
    raised while an image was sent refers to it through its traceback, often in a cycle. Objects from before the start
    are frozen and skipped, so that a collection takes a few milliseconds; with hundreds of clients it takes longer and
    runs less often.
    """
    took_s = 0.0
    while True:
        await asyncio.sleep(max(every_s, took_s / COLLECT_SHARE))
        began_s = monotonic()
        gc.collect()
        took_s = monotonic() - began_s


TARGET_DESCRIPTORS = 4096
"""The soft limit is raised to this if the hard limit allows it: some systems start with 256."""

CONNECTIONS_SHARE = 0.75
"""Share for clients' connections. The rest is for files, Redis, the detector and the model server."""

RESERVE_SIZE = 8
"""Descriptors kept for connections that are rejected."""

WARN_SHARE = 0.9
"""Share in use from which the readiness check fails."""

_OPEN_DESCRIPTORS = ("/proc/self/fd", "/dev/fd")  # Linux, macOS


def raise_descriptor_limit() -> None:
    """Raise the process's limit of descriptors, as far as the hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = TARGET_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(TARGET_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS has a further limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def max_connections(wanted: int) -> int:
    """Return how many connections the process can have, at most ``wanted``."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, int(soft * CONNECTIONS_SHARE)))


class DescriptorReserve:
    """Descriptors that are kept open, and closed if the process has no others left.

    Connections can then still be accepted, to be rejected. Otherwise the event loop would retry without end, which
    takes a whole core.
    """

    def __init__(self, size: int = RESERVE_SIZE) -> None:
        self._size = size
        self._held = list[int]()

    def is_exhausted(self) -> bool:
        """Return whether the process can open no further descriptor; the reserve is closed in that case."""
        try:
            while len(self._held) <= self._size:
                self._held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            self.close()
            return True
        os.close(self._held.pop())
        return False

    def close(self) -> None:
        """Close the reserve."""
        while self._held:
            os.close(self._held.pop())


class DescriptorCheck:
    """A readiness check: how many descriptors are in use."""

    required = False

    async def __call__(self) -> str:
        """Return the number in use and the limit.

        Raises:
            RuntimeError: Nearly all are in use.
        """
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = "no limit" if soft == resource.RLIM_INFINITY else str(soft)
        try:
            used = _in_use()
        except OSError as error:
            raise RuntimeError(f"{limit} of {limit} in use") from error
        found = f"{used} of {limit} in use"
        if soft != resource.RLIM_INFINITY and used > WARN_SHARE * soft:
            raise RuntimeError(found)
        return found


def _in_use() -> int:
    folder = next(folder for folder in _OPEN_DESCRIPTORS if os.path.isdir(folder))
    return len(os.listdir(folder)) - 1  # the listing itself has one
