"""The process's file descriptors, which bound its connections."""

import os
import resource
from contextlib import suppress

WANTED_DESCRIPTORS = 4096
"""The soft limit is raised to this where the hard limit allows it: some systems begin with 256."""

SHARE_OF_CONNECTIONS = 0.75
"""The part that clients' connections may take. The rest is for files, Redis, the detector and the model server."""

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


def is_exhausted() -> bool:
    """Tell whether the process can open no descriptor."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return True
    return False


class DescriptorCheck:
    """A readiness check: how many descriptors are in use."""

    required = False

    async def __call__(self) -> str:
        """Return the number in use and the limit.

        Raises:
            RuntimeError: Nearly all are in use.
        """
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            used = _in_use()
        except OSError as error:
            raise RuntimeError(f"all {soft} in use") from error
        if soft == resource.RLIM_INFINITY:
            return f"{used} in use"
        found = f"{used} of {soft} in use"
        if used > FULL * soft:
            raise RuntimeError(found)
        return found


def _in_use() -> int:
    for folder in _OPEN_DESCRIPTORS:
        if os.path.isdir(folder):
            return len(os.listdir(folder)) - 1  # the listing itself has one
    raise OSError("the system doesn't list open descriptors")
