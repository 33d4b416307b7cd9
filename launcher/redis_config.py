"""The configuration of the Redis that ``make run`` starts: a socket for this user alone, and nothing on disk."""

from pathlib import Path
from urllib.parse import quote

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
