"""The gateway keeps no image in memory longer than Redis, where a frame expires after ten seconds."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep

import pytest

from services.contracts.cameras import CAMERAS_KEY, status_key
from services.contracts.frames import FRAMES_TTL_S, frames_key
from tests.security.gateway_harness import GatewayHarness, gateway_harness
from tests.support.waiting import wait_until

CAMERA = "cam0"
CAMERA_COUNT = 12


def image_of(number: int = 0, start: bytes = b"\xff\xd8") -> bytes:
    """Return a file that starts like a JPEG and contains this number in comments.

    It exceeds the mmap threshold that the services set for glibc (``services/runtime/process.py``), so its memory is
    returned to the system as soon as it is freed. A complete copy in memory is therefore still in use.
    """
    comments = (
        b"\xff\xfe\xff\xff" + f"image {number:06} comment {comment:06} ".encode() * 2000 for comment in range(30)
    )
    return start + b"".join(comments) + b"\xff\xd9"


@contextmanager
def reading_feed(gateway: GatewayHarness, path: str) -> Iterator[threading.Event]:
    """Read a feed of the camera in a thread; the event is set once data has arrived."""
    received, stopping = threading.Event(), threading.Event()

    def follow() -> None:
        with socket.create_connection(("127.0.0.1", gateway.client.base_url.port or 0), timeout=0.2) as feed:
            feed.sendall(f"GET /cameras/{CAMERA}/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            while not stopping.is_set():
                with suppress(TimeoutError):
                    if not feed.recv(1_000_000):
                        return
                    received.set()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        stopping.set()
        thread.join()


@pytest.mark.parametrize(
    ("start", "with_detector"),
    [(b"\xff\xd8", True), (b"no", True), (b"\xff\xd8", False)],
    ids=["analysed", "rejected by the detector", "no detector"],
)
def test_no_image_is_kept_after_its_camera_is_gone(tmp_path: Path, start: bytes, with_detector: bool) -> None:
    jpeg = image_of(start=start)
    with gateway_harness(tmp_path, with_detector) as gateway:
        if not can_read_memory(gateway):
            pytest.skip("the memory of another process can't be read on this machine")
        gateway.register(CAMERA)
        gateway.publish(CAMERA, jpeg=jpeg)
        with (
            reading_feed(gateway, "events"),
            reading_feed(gateway, "video") as raw,
            reading_feed(gateway, "video?overlay=1"),
            reading_feed(gateway, "video?blur=1"),
        ):
            copies = 0
            for _ in range(20):
                gateway.publish(CAMERA, jpeg=jpeg)
                gateway.client.get(f"/predict?camera={CAMERA}")
                gateway.client.get(f"/cameras/{CAMERA}/frame.jpg")
                copies = copies or gateway.process.copies(jpeg)
            assert copies > 0, "the test can't find a copy that must exist"
            assert raw.is_set()
            gateway.writer.delete(frames_key(CAMERA), status_key(CAMERA))
            gateway.writer.zrem(CAMERAS_KEY, CAMERA)
            wait_until(lambda: gateway.process.copies(jpeg) == 0, "the last copy to be freed", timeout_s=FRAMES_TTL_S)


def can_read_memory(gateway: GatewayHarness) -> bool:
    try:
        gateway.process.copies(image_of(999))
    except PermissionError:
        return False
    return True


def test_requests_for_many_cameras_keep_no_image(tmp_path: Path) -> None:
    with gateway_harness(tmp_path) as gateway:
        if not can_read_memory(gateway):
            pytest.skip("the memory of another process can't be read on this machine")
        jpegs = [image_of(number) for number in range(CAMERA_COUNT)]
        before = gateway.process.resident_mb()
        for number, jpeg in enumerate(jpegs):
            gateway.register(f"cam{number}")
            gateway.publish(f"cam{number}", jpeg=jpeg)
            assert gateway.client.get(f"/predict?camera=cam{number}").status_code == 200
            assert gateway.client.get(f"/cameras/cam{number}/frame.jpg").content == jpeg
        sleep(1)
        kept = sum(gateway.process.copies(jpeg) for jpeg in jpegs)
        assert kept == 0
        assert gateway.process.resident_mb() - before < CAMERA_COUNT * len(jpegs[0]) / 1e6 / 2
