"""Capture reads an RTSP camera, and reconnects when the camera returns."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.contracts.cameras import CameraState
from tests.debian.conftest import RtspServer
from tests.support.capture_process import Viewer, viewing
from tests.support.processes import ModuleProcess
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

CAMERA = "door"


@pytest.fixture
def viewer(redis_server: RedisServer) -> Iterator[Viewer]:
    with viewing(redis_server.url) as viewer:
        yield viewer


@pytest.fixture
def capture(redis_server: RedisServer, rtsp_server: RtspServer, tmp_path: Path) -> Iterator[ModuleProcess]:
    with ModuleProcess(
        "services.capture",
        tmp_path / "capture.log",
        {
            "EMOTION_CAPTURE_PORT": "0",
            "EMOTION_CAPTURE_REDIS_URL": redis_server.url,
            "EMOTION_CAPTURE_CAMERAS": f"{CAMERA}={rtsp_server.url}",
            "EMOTION_CAPTURE_STALL_S": "2",
            "EMOTION_CAPTURE_RECONNECT_MAX_S": "1",
        },
    ) as process:
        yield process


def test_rtsp_camera_is_read_and_reconnects(capture: ModuleProcess, rtsp_server: RtspServer, viewer: Viewer) -> None:
    newest = wait_until(lambda: viewer.newest(CAMERA), "a first frame", 30)
    assert newest is not None
    _, first = newest
    assert (first.width, first.height) == (640, 360)
    assert first.jpeg.startswith(b"\xff\xd8")
    wait_until(state_is(viewer, CameraState.ONLINE), "the camera to be online", 10)

    rtsp_server.stop()
    wait_until(state_is(viewer, CameraState.RECONNECTING), "the loss to be noticed", 30)

    rtsp_server.start()
    wait_until(state_is(viewer, CameraState.ONLINE), "the camera to come back", 60)
    status = viewer.status(CAMERA)
    assert status is not None
    assert status.reconnects >= 1
    assert "secret" not in status.source + status.last_error + capture.log()
    assert capture.terminate() == 0


def state_is(viewer: Viewer, state: CameraState) -> Callable[[], bool]:
    return viewer.status_is(lambda status: status.state == state, CAMERA)
