"""Which processor this is, so that a time means something."""

import platform
from pathlib import Path

_LINUX = Path("/proc/cpuinfo")


def processor_name(cpuinfo: Path = _LINUX) -> str:
    """Return the processor's name as the system tells it; its architecture where it tells none."""
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next((name for name in names if name), platform.processor() or platform.machine())
