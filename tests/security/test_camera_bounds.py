"""Unlimited data from one camera is bounded, and the other cameras keep working."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from services.capture.sources.opencv import MAX_ALLOCATION_BYTES
from services.contracts.cameras import CameraState
from tests.security.scripted_server import Script, Send, scripted_camera
from tests.support.capture_process import CaptureProcess, viewing
from tests.support.redis_server import RedisServer, oldest_redis
from tests.support.waiting import wait_until

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=frame\r\n\r\n"
BLOB = b"\xff\xd8" + b"A" * 2**20
BASE_MEMORY_MB = 160.0


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with RedisServer(oldest_redis(), tmp_path / "redis.log") as server:
        yield server.url


def endless_part(send: Send) -> None:
    send(HEAD + b"--frame\r\nContent-Type: image/jpeg\r\n\r\n")
    while True:
        send(BLOB)


def part_of_two_gigabytes(send: Send) -> None:
    send(HEAD + b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 2000000000\r\n\r\n")
    while True:
        send(BLOB)


def endless_headers(send: Send) -> None:
    send(b"HTTP/1.0 200 OK\r\n")
    while True:
        send(b"Set-Cookie: a=%s\r\n" % (b"b" * 3000))


def endless_line(send: Send) -> None:
    send(b"HTTP/1.0 200 OK\r\nX: ")
    while True:
        send(BLOB)


def huge_images(send: Send) -> None:
    jpeg = cv2.imencode(".jpg", np.zeros((7000, 7000), np.uint8))[1].tobytes()
    send(HEAD)
    while True:
        send(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg))


def peak_mb(pid: int) -> float:
    """Return the peak resident memory of a process, in MB."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


@pytest.mark.parametrize("script", [endless_part, part_of_two_gigabytes, endless_headers, endless_line, huge_images])
def test_unlimited_data_from_a_camera_is_bounded(redis_url: str, tmp_path: Path, script: Script) -> None:
    with scripted_camera(script) as port, viewing(redis_url) as viewer:
        settings = {
            "open_s": "8",
            "stall_s": "8",
            "reconnect_min_s": "0.1",
            "reconnect_max_s": "0.1",
            "log_level": "INFO",
        }
        cameras = f"other=demo,bad=http://127.0.0.1:{port}/x.mjpg"
        with CaptureProcess(tmp_path / "log", cameras=cameras, redis_url=redis_url, **settings) as capture:
            failed = viewer.status_is(lambda status: bool(status.last_error), "bad")
            wait_until(failed, "the camera to fail")
            assert peak_mb(capture.pid) < BASE_MEMORY_MB + 1.5 * MAX_ALLOCATION_BYTES / 1e6
            status = viewer.status("other")
            assert status is not None
            assert status.state is CameraState.ONLINE
            assert len(capture.log().splitlines()) < 10
            assert os.path.getsize(tmp_path / "log") < 5000


def test_playlist_is_not_followed(redis_url: str, tmp_path: Path) -> None:
    requested = threading.Event()

    def inner(_: Send) -> None:
        requested.set()

    with scripted_camera(inner) as inner_port:
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3.0,\nhttp://127.0.0.1:{inner_port}/a.ts\n".encode()

        def outer(send: Send) -> None:
            send(b"HTTP/1.0 200 OK\r\nContent-Type: application/vnd.apple.mpegurl\r\n\r\n" + playlist)

        with scripted_camera(outer) as port, viewing(redis_url) as viewer:
            settings = {"reconnect_min_s": "0.1", "reconnect_max_s": "0.1", "redis_url": redis_url}
            with CaptureProcess(tmp_path / "log", cameras=f"cam0=http://127.0.0.1:{port}/x.m3u8", **settings):
                wait_until(viewer.status_is(lambda status: status.state is CameraState.FAILED), "the camera to fail")
    assert not requested.is_set()
