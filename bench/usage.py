"""What processes use, as the system tells it."""

from collections.abc import Mapping

import psutil


class Usage:
    """Processor time and memory of processes by name."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}

    def cpu_s(self) -> dict[str, float]:
        """Return the processor seconds that each used since it started."""
        times = {name: process.cpu_times() for name, process in self._processes.items()}
        return {name: time.user + time.system for name, time in times.items()}

    def memory_mb(self) -> dict[str, float]:
        """Return what each holds in memory, in MB."""
        return {name: process.memory_info().rss / 1e6 for name, process in self._processes.items()}


def between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return by how much each grew."""
    return {name: after[name] - before[name] for name in after}


def cpu_ms_each(used_s: Mapping[str, float], count: int) -> dict[str, float | None]:
    """Return the milliseconds of processor time for each of so many; None where there were none."""
    return {name: cpu_s * 1e3 / count if count else None for name, cpu_s in used_s.items()}
