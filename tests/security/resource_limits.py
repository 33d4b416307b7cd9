"""Runs a function in a process of its own under limits of time and memory, and reports what it cost."""

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
class Cost:
    """What a call returned and what it cost.

    Attributes:
        result: The function's result.
        cpu_s: Processor time in seconds, without imports.
        grown_mb: Growth of the peak of resident memory, in MB.
    """

    result: Any
    cpu_s: float
    grown_mb: float


class LimitExceededError(AssertionError):
    """The function ran into one of its limits, or its process died."""


def run_confined(
    function: Callable[..., Any], *arguments: Any, cpu_s: float = 2.0, memory_mb: int = 200, timeout_s: float = 60.0
) -> Cost:
    """Call a module-level function in a child process.

    Args:
        function: Importable by name; what it needs is imported before the limits apply.
        arguments: Can be pickled.
        cpu_s: Most processor time, in seconds.
        memory_mb: Most address space beyond what the imports took, in MB.
        timeout_s: Longest wait for the process, its start included.

    Raises:
        LimitExceededError: It took more time or memory than allowed.
        Exception: What the function itself raised.
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
    assert isinstance(outcome, Cost)
    if outcome.cpu_s > cpu_s:
        raise LimitExceededError(f"{outcome.cpu_s:.2f} s of processor time, {cpu_s:g} s are allowed")
    return outcome


def _child(sender: Connection, function: Callable[..., Any], arguments: Any, cpu_s: float, memory_mb: int) -> None:
    address_space = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limit = address_space + memory_mb * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    used = time.process_time()
    whole_seconds = int(used + cpu_s) + 2  # the kernel counts whole seconds; the exact figure is checked by the caller
    resource.setrlimit(resource.RLIMIT_CPU, (whole_seconds, whole_seconds))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        outcome: Any = function(*arguments)
    except BaseException as error:
        outcome = error
    else:
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) * 1024 / 1e6
        outcome = Cost(outcome, time.process_time() - used, grown)
    sender.send(outcome)
