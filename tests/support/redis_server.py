"""An empty Redis server that a test can kill and start again."""

from pathlib import Path

import redis

from launcher.ports import free_port
from launcher.redis_server import find_redis_server, redis_from_wheel
from services.runtime.redis_client import redis_client
from tests.support.processes import Restartable
from tests.support.waiting import wait_until


def oldest_redis() -> str:
    """Return the oldest supported Redis if its wheel is installed, otherwise the system's."""
    return redis_from_wheel() or find_redis_server()


class RedisServer(Restartable):
    """One Redis on a free port of this machine; without persistence.

    Attributes:
        url: The URL, which does not change after ``stop`` and ``start``.
    """

    def __init__(self, executable: str, log: Path, port: int | None = None) -> None:
        port = port or free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        options = f"--port {port} --bind 127.0.0.1 --appendonly no --daemonize no".split()
        super().__init__([executable, *options, "--save", ""], log)

    def start(self) -> None:
        """Start it empty and wait until it answers."""
        super().start()
        wait_until(self._answers, f"Redis at {self.url} to answer")

    def _answers(self) -> bool:
        with redis_client(self.url, timeout_s=1) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False
