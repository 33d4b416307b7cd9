"""The capture process with a Redis server."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.capture.camera import END_OF_FILE
from services.contracts.cameras import STATUS_TTL_S, CameraState, status_key
from services.contracts.frames import FRAMES_TTL_S, MAX_STREAM_FRAMES, FrameMessage, captured_at_us, frames_key
from tests.support.capture_process import CaptureProcess, Viewer, viewing
from tests.support.mjpeg_server import mjpeg_camera
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

VIDEO_FRAMES = 40
COMMANDS = {"xadd", "expire", "hset", "zadd", "zremrangebyscore", "time", "multi", "exec", "ping"}
"""All of them are older than Redis 6.2."""


@pytest.fixture
def viewer(redis_server: RedisServer) -> Iterator[Viewer]:
    with viewing(redis_server.url) as viewer:
        yield viewer


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "capture.log"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A video of 160×120 whose frames grow lighter."""
    path = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (160, 120))
    for index in range(VIDEO_FRAMES):
        writer.write(np.full((120, 160, 3), 20 + 5 * index, np.uint8))
    writer.release()
    return path


def decoded(message: FrameMessage) -> NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(message.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)


class Collector(threading.Thread):
    """Reads every frame of a stream."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(daemon=True)
        self.messages: list[FrameMessage] = []
        self._viewer = viewer
        self._stopping = threading.Event()

    def run(self) -> None:
        last: Any = b"0"
        while not self._stopping.is_set():
            streams: Any = self._viewer.redis.xread({frames_key("cam0"): last}, block=200)
            for _, entries in streams:
                last = entries[-1][0]
                self.messages.extend(FrameMessage.decode(fields) for _, fields in entries)

    def stop(self) -> list[FrameMessage]:
        self._stopping.set()
        self.join(5)
        return self.messages


def test_demo_feed_is_published_as_specified(redis_server: RedisServer, viewer: Viewer, log: Path) -> None:
    with CaptureProcess(log, redis_url=redis_server.url) as capture:
        capture.wait_until_ready()
        assert used_commands(viewer) <= COMMANDS | {"info"}
        wait_until(viewer.status_is(lambda status: status.published > 40), "forty frames")
        newest = viewer.newest()
        assert newest is not None
        entry_id, message = newest
        assert decoded(message).shape == (720, 1280, 3)
        assert (message.width, message.height) == (1280, 720)
        assert 0 < message.delay_us < 500_000
        assert abs(captured_at_us(entry_id, message.delay_us) - message.captured_at_us) < 500_000
        assert viewer.redis.xlen(frames_key("cam0")) == MAX_STREAM_FRAMES
        assert 0 < viewer.redis.ttl(frames_key("cam0")) <= FRAMES_TTL_S
        assert 0 < viewer.redis.ttl(status_key("cam0")) <= STATUS_TTL_S
        seconds, _ = viewer.redis.time()
        assert abs(viewer.cameras()["cam0"] - seconds) < 3
        status = viewer.status()
        assert status is not None
        assert (status.state, status.source, status.width, status.height) == (CameraState.ONLINE, "demo", 1280, 720)
        assert 0 < status.fps < 40  # 30 on an idle machine
        assert capture.resident_mb() < 150
        assert capture.seconds_to_stop() < 8
        assert viewer.status() is None
        assert "cam0" in viewer.cameras()
        assert "Traceback" not in capture.log()


def used_commands(viewer: Viewer) -> set[str]:
    """Return the commands that Redis received; fail if it rejected one."""
    stats: Any = viewer.redis.info("commandstats")
    assert [name for name, stat in stats.items() if int(stat.get("failed_calls", 0))] == []
    return {name.removeprefix("cmdstat_") for name in stats}


def test_every_frame_of_a_file_is_published_and_then_the_camera_is_finished(
    redis_server: RedisServer, viewer: Viewer, log: Path, video: Path
) -> None:
    collector = Collector(viewer)
    collector.start()
    with CaptureProcess(log, redis_url=redis_server.url, cameras=f"cam0={video}", loop="false", fps="50") as capture:
        with viewing(redis_server.url) as other:
            wait_until(other.status_is(lambda status: status.state is CameraState.FINISHED), "the end of the file")
            status = other.status()
        wait_until(lambda: len(collector.messages) == VIDEO_FRAMES, "every frame")
        assert status is not None
        assert (status.published, status.dropped, status.last_error) == (VIDEO_FRAMES, 0, END_OF_FILE)
        assert END_OF_FILE in str(capture.readiness())
        capture.seconds_to_stop()
    messages = collector.stop()
    assert [message.seq for message in messages] == list(range(1, VIDEO_FRAMES + 1))
    assert {(message.width, message.height) for message in messages} == {(160, 120)}
    lightness = [float(np.mean(decoded(message))) for message in messages]
    assert lightness == sorted(lightness)
    assert lightness[0] == pytest.approx(20, abs=3)


def test_looping_file_starts_again_beside_a_camera_that_never_opens(
    redis_server: RedisServer, viewer: Viewer, log: Path, video: Path
) -> None:
    settings = {"cameras": f"film={video},away=/nowhere/film.mp4", "fps": "60", "reconnect_max_s": "0.5"}
    with CaptureProcess(log, redis_url=redis_server.url, **settings) as capture:
        wait_until(viewer.status_is(lambda status: status.state is CameraState.FAILED, "away"), "away to fail")
        wait_until(viewer.status_is(lambda status: status.published > 2 * VIDEO_FRAMES, "film"), "the third round")
        film_status, away_status = viewer.status("film"), viewer.status("away")
        assert film_status is not None
        assert away_status is not None
        assert (film_status.state, film_status.dropped, film_status.reconnects) == (CameraState.ONLINE, 0, 0)
        assert away_status.last_error == "file not found"
        assert set(viewer.cameras()) == {"film", "away"}
        assert capture.readiness()["status"] == "degraded"


def test_network_camera_reconnects_and_its_password_stays_secret(
    redis_server: RedisServer, viewer: Viewer, log: Path
) -> None:
    with mjpeg_camera() as camera:
        settings = {
            "cameras": f"cam0={camera.url('admin:hunter2@')}",
            "reconnect_max_s": "0.5",
            "log_level": "DEBUG",
            "redis_url": redis_server.url,
        }
        with CaptureProcess(log, **settings) as capture:
            wait_until(viewer.status_is(lambda status: status.published > 10), "frames", 15)
            camera.working.clear()
            wait_until(viewer.status_is(lambda status: status.state is CameraState.RECONNECTING), "the cut")
            assert capture.readiness()["status"] == "unready"
            tries = camera.connections
            wait_until(lambda: camera.connections > tries, "another try")
            camera.working.set()
            wait_until(viewer.status_is(lambda status: status.state is CameraState.ONLINE), "the camera to reconnect")
            status = viewer.status()
            assert status is not None
            assert status.reconnects == 1
            assert status.source == f"http://127.0.0.1:{camera.port}/…"
            assert capture.seconds_to_stop() < 8
            assert "hunter2" not in capture.log() + repr(status)
            assert status.source in capture.log()


def test_frozen_network_camera_is_abandoned(redis_server: RedisServer, viewer: Viewer, log: Path) -> None:
    with mjpeg_camera() as camera:
        cameras = f"cam0={camera.url()}"
        with CaptureProcess(log, redis_url=redis_server.url, cameras=cameras, stall_s="0.7", open_s="10") as capture:
            wait_until(viewer.status_is(lambda status: status.published > 10), "frames", 15)
            camera.frozen.set()
            wait_until(viewer.status_is(lambda status: "no frame for 0.7 s" in status.last_error), "the stall")
            camera.frozen.clear()
            wait_until(viewer.status_is(lambda status: status.state is CameraState.ONLINE), "frames again")
            camera.frozen.set()  # stopped while a reader is stuck in OpenCV
            wait_until(viewer.status_is(lambda status: status.state is not CameraState.ONLINE), "the second stall")
            assert capture.seconds_to_stop() < 8


def test_redis_may_start_late_stop_and_return_empty(redis_server: RedisServer, viewer: Viewer, log: Path) -> None:
    redis_server.stop()
    with CaptureProcess(log, redis_url=redis_server.url) as capture:
        wait_until(lambda: capture.readiness().get("status") == "unready", "capture to be unready")
        for losses in (1, 2):
            # Each loss is logged once, however many frames are dropped.
            wait_until(capture.has_logged("dropping frames", losses), f"loss {losses} in the log")
            redis_server.start()
            returned = time.monotonic()
            wait_until(viewer.newest, "a frame", 5)
            wait_until(lambda: viewer.status() and viewer.cameras(), "the camera", 5)
            assert time.monotonic() - returned < 3
            capture.wait_until_ready()
            redis_server.stop()
            wait_until(lambda: not capture.readiness()["dependencies"]["redis"]["ok"], "the check of Redis to fail")
        health = capture.get("/healthz")
        assert health is not None
        assert health.status_code == 200
        metrics = capture.get("/metrics")
        assert metrics is not None
        assert 'capture_camera_state{camera="cam0",state="online"} 1.0' in metrics.text
        assert 'capture_frames_dropped_total{camera="cam0"} 0.0' not in metrics.text
        assert capture.seconds_to_stop() < 8  # even now


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cameras": "cam0"}, "EMOTION_CAPTURE_CAMERAS: Value error, entry 1 is not of the form id=source"),
        ({"redis_url": "http://:hunter2@h"}, "EMOTION_CAPTURE_REDIS_URL: Value error, must be a URL such as"),
    ],
)
def test_invalid_setting_exits_with_one_line(log: Path, settings: dict[str, str], message: str) -> None:
    with CaptureProcess(log, **settings) as capture:
        assert capture.exit_status() == 2
        (line,) = capture.log().splitlines()
    assert line.startswith(message)
    assert "hunter2" not in line


def test_port_in_use_exits_with_an_error(redis_server: RedisServer, log: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with CaptureProcess(log, redis_url=redis_server.url, port=port) as capture:
            assert capture.exit_status() not in (0, 2)
            assert "address already in use" in capture.log()
            assert "Traceback" not in capture.log()
