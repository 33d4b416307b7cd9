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
"""How long garbage in reference cycles stays, as long as a collection takes no more than ``COLLECT_SHARE`` of that."""

COLLECT_SHARE = 0.005


def tune_malloc() -> None:
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


def disable_core_dumps() -> None:
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


TARGET_DESCRIPTORS = 4096
"""The soft limit is raised to this where the hard limit allows it: some systems begin with 256."""

CONNECTIONS_SHARE = 0.75
"""The part that clients' connections may take. The rest is for files, Redis, the detector and the model server."""

RESERVE = 8
"""Descriptors that are kept for connections that are refused."""

FULL = 0.9
"""The part in use from which readiness says so."""

_OPEN_DESCRIPTORS = ("/proc/self/fd", "/dev/fd")  # Linux, macOS


def raise_descriptor_limit() -> None:
    """Allow the process more descriptors, as far as it may do so itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = TARGET_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(TARGET_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS knows a further limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def max_connections(wanted: int) -> int:
    """Return how many connections the process can have, at most as many as wanted."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, int(soft * CONNECTIONS_SHARE)))


class DescriptorReserve:
    """Some descriptors that are kept open, and closed where the process has no other left.

    Then connections can still be accepted, to be refused. Else the event loop would try to accept them without end,
    at the cost of a whole core.
    """

    def __init__(self, size: int = RESERVE) -> None:
        self._size = size
        self._held = list[int]()

    def is_exhausted(self) -> bool:
        """Tell whether the process can open no descriptor besides the reserve; give the reserve up in that case."""
        try:
            while len(self._held) <= self._size:
                self._held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            self.close()
            return True
        os.close(self._held.pop())
        return False

    def close(self) -> None:
        """Give the reserve up."""
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
        if soft != resource.RLIM_INFINITY and used > FULL * soft:
            raise RuntimeError(found)
        return found


def _in_use() -> int:
    folder = next(folder for folder in _OPEN_DESCRIPTORS if os.path.isdir(folder))
    return len(os.listdir(folder)) - 1  # the listing itself has one
