"""Fixtures over what Debian packages bring."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.ports import free_port
from tests.integration.conftest import RedisServer
from tests.processes import ROOT


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """The system's Redis, a newer one than the wheel's."""
    executable = shutil.which("redis-server")
    assert executable is not None, "install redis-server: make debian-packages names what is needed"
    server = RedisServer(executable, tmp_path / "redis.log")
    server.start()
    yield server
    server.stop()


class RtspServer:
    """Serves a moving test picture, 640×360 at 15 frames a second, until it is stopped."""

    def __init__(self) -> None:
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"rtsp://viewer:secret@127.0.0.1:{self._port}/camera"

    def start(self) -> None:
        script = ROOT / "tests" / "debian" / "rtsp_server.py"
        self._process = subprocess.Popen(["/usr/bin/python3", str(script), str(self._port)])

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


@pytest.fixture
def rtsp_server() -> Iterator[RtspServer]:
    server = RtspServer()
    server.start()
    yield server
    server.stop()
