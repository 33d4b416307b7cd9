"""A real Redis 6.2, empty, that a test may stop and start again."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from launcher.ports import free_port
from launcher.redis_server import find_redis_server, redis_from_wheel
from tests.waiting import wait_until


class RedisServer:
    """One Redis on a free port of this machine; nothing is kept on disk.

    Attributes:
        url: Where it listens; the same after ``stop`` and ``start``.
    """

    def __init__(self, executable: str, log: Path) -> None:
        self._executable = executable
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        options = f"--port {self._port} --bind 127.0.0.1 --appendonly no --daemonize no".split()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._executable, *options, "--save", ""],
                stdout=log,
                stderr=log,
                cwd=self._log.parent,
            )
        wait_until(self._answers, f"Redis on port {self._port}; its log: {self._log}")

    def stop(self) -> None:
        """Kill it, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url, protocol=2, socket_timeout=1, driver_info=None) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False


@pytest.fixture(scope="session")
def redis_executable() -> str:
    """The oldest Redis that we support where its wheel is installed, else the system's."""
    return redis_from_wheel() or find_redis_server()


@pytest.fixture
def redis_server(redis_executable: str, tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(redis_executable, tmp_path / "redis.log")
    server.start()
    yield server
    server.stop()
