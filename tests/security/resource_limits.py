"""Runs a function in a child process with limits on CPU time and memory, and measures both."""

import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Usage:
    """The result of a call and the resources it used.

    Attributes:
        result: The function's result.
        cpu_s: CPU time in seconds, without imports.
        grown_mb: Growth of the peak resident memory, in MB.
    """

    result: Any
    cpu_s: float
    grown_mb: float


class LimitExceededError(AssertionError):
    """The function exceeded a limit, or its process died."""


def run_with_limits(
    function: Callable[..., Any], *arguments: Any, cpu_s: float = 2.0, memory_mb: int = 200, timeout_s: float = 60.0
) -> Usage:
    """Call a module-level function in a child process.

    Args:
        function: Importable by name; its module is imported before the limits apply.
        arguments: Picklable.
        cpu_s: CPU time limit in seconds.
        memory_mb: Address space limit in MB, in addition to that of the imports.
        timeout_s: Time limit for the process in seconds, including its start.

    Raises:
        LimitExceededError: The function used more time or memory than allowed.
        Exception: The function raised it.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(sender, function, arguments, cpu_s, memory_mb), daemon=True)
    child.start()
    sender.close()
    try:
        if not receiver.poll(timeout_s):
            raise LimitExceededError(f"no result within {timeout_s:g} s")
        outcome = receiver.recv()
    except EOFError:
        child.join(timeout_s)
        raise LimitExceededError(f"the process ended with status {child.exitcode}") from None
    finally:
        child.kill()
        child.join()
        receiver.close()
    if isinstance(outcome, MemoryError):
        raise LimitExceededError(f"more than {memory_mb} MB of memory")
    if isinstance(outcome, BaseException):
        raise outcome
    assert isinstance(outcome, Usage)
    if outcome.cpu_s > cpu_s:
        raise LimitExceededError(f"{outcome.cpu_s:.2f} s of CPU time; {cpu_s:g} s are allowed")
    return outcome


def _child(sender: Connection, function: Callable[..., Any], arguments: Any, cpu_s: float, memory_mb: int) -> None:
    address_space = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limit = address_space + memory_mb * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    used = time.process_time()
    whole_seconds = int(used + cpu_s) + 2  # the kernel counts whole seconds; the caller checks the exact time
    resource.setrlimit(resource.RLIMIT_CPU, (whole_seconds, whole_seconds))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        outcome: Any = function(*arguments)
    except BaseException as error:
        outcome = error
    else:
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) * 1024 / 1e6
        outcome = Usage(outcome, time.process_time() - used, grown)
    sender.send(outcome)
