"""Processor time and memory of processes with their children, and the load of other processes."""

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
        """Return the processor seconds of each since its start."""
        return {name: sum(map(_cpu_s, _tree(process))) for name, process in self._processes.items()}

    def memory_mb(self) -> dict[str, float]:
        """Return the memory of each in MB; on Linux, shared pages are counted once (PSS)."""
        return {name: sum(map(_memory_mb, _tree(process))) for name, process in self._processes.items()}


def _tree(process: psutil.Process) -> list[psutil.Process]:
    """Return a process and its children; of this process only itself, since all others are its children."""
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


def difference(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return the increase of each."""
    return {name: after[name] - before[name] for name in after}


def cpu_ms_per(used_s: Mapping[str, float], count: int) -> dict[str, float | None]:
    """Return processor milliseconds per item; None without items."""
    return {name: cpu_s * 1e3 / count if count else None for name, cpu_s in used_s.items()}


_CPU_FIELDS = 8
"""Linux counts the time of guests also as user time, so the last two fields are left out."""


@dataclass(frozen=True)
class CpuSample:
    """Seconds: the clock, processor time of the machine, and processor time of this process and its descendants."""

    at: float
    all: float
    own: float


def sample_cpu() -> CpuSample:
    """Return a sample of the processor times."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    return CpuSample(time.monotonic(), sum(times[:_CPU_FIELDS]) - idle, _own_cpu_s())


def background_cores(started: CpuSample, ended: CpuSample) -> float:
    """Return the average number of cores that other processes used."""
    others = (ended.all - started.all) - (ended.own - started.own)
    return max(0.0, others) / max(ended.at - started.at, 1e-9)


def _own_cpu_s() -> float:
    """Return the processor seconds of this process, its ended children and its living descendants."""
    me = psutil.Process()
    total = 0.0
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
