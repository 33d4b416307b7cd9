"""Two cameras of one process: neither affects the other."""

from pathlib import Path

from services.contracts.cameras import CameraState
from tests.support.capture_process import CaptureProcess, Viewer, viewing
from tests.support.mjpeg_server import mjpeg_camera
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until


def wait_for_new_frames(viewer: Viewer, camera: str, frames: int = 10) -> None:
    """Wait for frames of a camera that are newer than its newest one."""
    seen = viewer.newest(camera)
    number = seen[1].seq if seen else 0

    def newer() -> bool:
        newest = viewer.newest(camera)
        return newest is not None and newest[1].seq >= number + frames

    wait_until(newer, f"new frames of {camera}")


def test_one_camera_disconnects_and_returns_and_the_other_continues(redis_server: RedisServer, tmp_path: Path) -> None:
    with mjpeg_camera() as network, viewing(redis_server.url) as viewer:
        cameras = f"cam0=demo,door={network.url()}"
        with CaptureProcess(tmp_path / "log", redis_url=redis_server.url, cameras=cameras, fps="20"):
            wait_for_new_frames(viewer, "cam0")
            wait_for_new_frames(viewer, "door")
            network.working.clear()
            wait_until(viewer.status_is(lambda s: s.state is CameraState.RECONNECTING, "door"), "the camera to be lost")
            before = viewer.status("cam0")
            wait_for_new_frames(viewer, "cam0", 20)
            network.working.set()
            wait_for_new_frames(viewer, "door")
            after = viewer.status("cam0")
    assert before is not None
    assert after is not None
    assert (after.state, after.reconnects) == (CameraState.ONLINE, before.reconnects)


def test_one_camera_never_opens_and_the_other_continues(redis_server: RedisServer, tmp_path: Path) -> None:
    cameras = "cam0=demo,door=http://127.0.0.1:9/missing.mjpg"
    with (
        viewing(redis_server.url) as viewer,
        CaptureProcess(tmp_path / "log", redis_url=redis_server.url, cameras=cameras, fps="20"),
    ):
        wait_until(viewer.status_is(lambda status: bool(status.last_error), "door"), "the camera to be lost")
        wait_for_new_frames(viewer, "cam0", 20)
        assert viewer.newest("door") is None
        assert set(viewer.cameras()) == {"cam0", "door"}


def test_emptied_redis_gets_both_cameras_again(redis_server: RedisServer, tmp_path: Path) -> None:
    with (
        viewing(redis_server.url) as viewer,
        CaptureProcess(tmp_path / "log", redis_url=redis_server.url, cameras="cam0=demo,cam1=demo", fps="20"),
    ):
        for camera in ("cam0", "cam1"):
            wait_for_new_frames(viewer, camera)
        viewer.redis.flushall()
        wait_until(lambda: set(viewer.cameras()) == {"cam0", "cam1"}, "both to be registered again", 5)
        for camera in ("cam0", "cam1"):
            wait_for_new_frames(viewer, camera)
            assert viewer.status(camera) is not None
