"""What processes use, with those that they started, as the system tells it."""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil


class Usage:
    """Processor time and memory of processes by name."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}

    def cpu_s(self) -> dict[str, float]:
        """Return the processor seconds that each used since it started."""
        return {name: sum(map(_cpu_s, _tree(process))) for name, process in self._processes.items()}

    def memory_mb(self) -> dict[str, float]:
        """Return what each holds in memory, in MB; pages that several processes share are counted once, on Linux."""
        return {name: sum(map(_memory_mb, _tree(process))) for name, process in self._processes.items()}


def _tree(process: psutil.Process) -> list[psutil.Process]:
    """Return a process and those that it started; the benchmark's own process stands alone, since it started all."""
    return [process] if process.pid == os.getpid() else [process, *process.children(recursive=True)]


def _cpu_s(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return times.user + times.system
    return 0.0


def _memory_mb(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        info = process.memory_full_info()
        return getattr(info, "pss", info.rss) / 1e6
    return 0.0


def between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return by how much each grew."""
    return {name: after[name] - before[name] for name in after}


def cpu_ms_each(used_s: Mapping[str, float], count: int) -> dict[str, float | None]:
    """Return the milliseconds of processor time for each of so many; None where there were none."""
    return {name: cpu_s * 1e3 / count if count else None for name, cpu_s in used_s.items()}


_SUMMED = 8
"""Of Linux's kinds of time those of guests are left out, since they are counted as the host's too."""


@dataclass(frozen=True)
class Moment:
    """Seconds: of the clock, of all processors' work, and of this process's and its offspring's."""

    at: float
    all: float
    ours: float


def now() -> Moment:
    """Return how much was done until now."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    return Moment(time.monotonic(), sum(times[:_SUMMED]) - idle, _ours())


def others_cores(began: Moment, ended: Moment) -> float:
    """Return how many cores other processes kept busy, on average."""
    others = (ended.all - began.all) - (ended.ours - began.ours)
    return max(0.0, others) / max(ended.at - began.at, 1e-9)


def _ours() -> float:
    """Return the processor seconds of this process, of its children that ended, and of its offspring that lives."""
    me = psutil.Process()
    total = 0.0
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
