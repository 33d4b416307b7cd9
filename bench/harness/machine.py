"""The machine and the software that a report was made with."""

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parent.parent.parent
_PACKAGES = ("opencv-python-headless", "tensorflow-cpu", "numpy", "grpcio", "uvicorn", "uvloop", "httptools", "redis")


def pin(cpus: int) -> list[int]:
    """Pin this process and its children to some processors; return their numbers.

    The list is empty on systems without pinning (macOS).
    """
    if not hasattr(os, "sched_setaffinity"):
        return []
    chosen = sorted(os.sched_getaffinity(0))[:cpus]
    os.sched_setaffinity(0, chosen)
    return chosen


def description(pinned: Sequence[int]) -> dict[str, Any]:
    """Return the facts that measurements depend on."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": _git("rev-parse", "HEAD"),
        "changed_since": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "processor": _processor(),
        "processors": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES if _is_installed(name)},
        "load_average": list(os.getloadavg()),
        "pinned_to": list(pinned),
        "pinning": "all processes of the system and of the benchmarks, by sched_setaffinity; OpenCV has 1 thread "
        "in each worker, TensorFlow chooses, for the model server and the baseline",
        "settings": {name: value for name, value in sorted(os.environ.items()) if name.startswith("EMOTION_")},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _git(*arguments: str) -> str:
    try:
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def _is_installed(name: str) -> bool:
    try:
        return bool(version(name))
    except ModuleNotFoundError:
        return False
