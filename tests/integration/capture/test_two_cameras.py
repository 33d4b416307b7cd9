"""Two cameras of one process: what happens to one is no matter to the other."""

from pathlib import Path

from services.contracts.cameras import CameraState
from tests.support.capture_process import CaptureProcess, Viewer, viewing
from tests.support.mjpeg_server import mjpeg_camera
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until


def goes_on(viewer: Viewer, camera: str, frames: int = 10) -> None:
    """Wait for frames of a camera that are newer than its newest one."""
    seen = viewer.newest(camera)
    number = seen[1].seq if seen else 0

    def newer() -> bool:
        newest = viewer.newest(camera)
        return newest is not None and newest[1].seq >= number + frames

    wait_until(newer, f"{camera} to go on")


def test_one_vanishes_and_returns_and_the_other_goes_on(redis_server: RedisServer, tmp_path: Path) -> None:
    with mjpeg_camera() as network, viewing(redis_server.url) as viewer:
        cameras = f"cam0=demo,door={network.url()}"
        with CaptureProcess(tmp_path / "log", redis_url=redis_server.url, cameras=cameras, fps="20"):
            goes_on(viewer, "cam0")
            goes_on(viewer, "door")
            network.working.clear()
            wait_until(
                viewer.status_is(lambda s: s.state is CameraState.RECONNECTING, "door"), "the camera to be missed"
            )
            before = viewer.status("cam0")
            goes_on(viewer, "cam0", 20)
            network.working.set()
            goes_on(viewer, "door")
            after = viewer.status("cam0")
    assert before is not None
    assert after is not None
    assert (after.state, after.reconnects) == (CameraState.ONLINE, before.reconnects)


def test_one_never_opens_and_the_other_goes_on(redis_server: RedisServer, tmp_path: Path) -> None:
    cameras = "cam0=demo,door=http://127.0.0.1:9/nobody.mjpg"
    with (
        viewing(redis_server.url) as viewer,
        CaptureProcess(tmp_path / "log", redis_url=redis_server.url, cameras=cameras, fps="20"),
    ):
        wait_until(viewer.status_is(lambda status: bool(status.last_error), "door"), "the camera to be missed")
        goes_on(viewer, "cam0", 20)
        assert viewer.newest("door") is None
        assert set(viewer.cameras()) == {"cam0", "door"}


def test_a_redis_that_is_emptied_learns_of_both_again(redis_server: RedisServer, tmp_path: Path) -> None:
    with (
        viewing(redis_server.url) as viewer,
        CaptureProcess(tmp_path / "log", redis_url=redis_server.url, cameras="cam0=demo,cam1=demo", fps="20"),
    ):
        for camera in ("cam0", "cam1"):
            goes_on(viewer, camera)
        viewer.redis.flushall()
        wait_until(lambda: set(viewer.cameras()) == {"cam0", "cam1"}, "both to register anew", 5)
        for camera in ("cam0", "cam1"):
            goes_on(viewer, camera)
            assert viewer.status(camera) is not None
