"""Fixtures for servers from Debian packages."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.ports import free_port
from tests.support.processes import ROOT, Restartable
from tests.support.redis_server import RedisServer


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """The system's Redis, which is newer than that of the wheel."""
    executable = shutil.which("redis-server")
    assert executable is not None, "install redis-server: make debian-packages names what is needed"
    with RedisServer(executable, tmp_path / "redis.log") as server:
        yield server


class RtspServer(Restartable):
    """Serves a moving test pattern, 640×360 at 15 fps, until it is stopped."""

    def __init__(self, log: Path) -> None:
        port = free_port()
        self.url = f"rtsp://viewer:secret@127.0.0.1:{port}/camera"
        super().__init__(["/usr/bin/python3", str(ROOT / "tests" / "debian" / "rtsp_server.py"), str(port)], log)


@pytest.fixture
def rtsp_server(tmp_path: Path) -> Iterator[RtspServer]:
    with RtspServer(tmp_path / "rtsp.log") as server:
        yield server
