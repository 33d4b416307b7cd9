"""The process's file descriptors, which bound its connections."""

import os
import resource
from contextlib import suppress

WANTED_DESCRIPTORS = 4096
"""The soft limit is raised to this where the hard limit allows it: some systems begin with 256."""

SHARE_OF_CONNECTIONS = 0.75
"""The part that clients' connections may take. The rest is for files, Redis, the detector and the model server."""

RESERVE = 8
"""Descriptors that are kept for connections that are refused."""

FULL = 0.9
"""The part in use from which readiness says so."""

_OPEN_DESCRIPTORS = ("/proc/self/fd", "/dev/fd")  # Linux, macOS


def raise_descriptor_limit() -> None:
    """Allow the process more descriptors, as far as it may do so itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(WANTED_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS knows a further limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def max_connections(wanted: int) -> int:
    """Return how many connections the process can have, at most as many as wanted."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, int(soft * SHARE_OF_CONNECTIONS)))


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
