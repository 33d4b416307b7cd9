"""What else the machine did while something was measured: the figures of a busy one are not those of an idle one."""

import time
from dataclasses import dataclass

import psutil

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
