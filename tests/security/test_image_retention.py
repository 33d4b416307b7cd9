"""How long the gateway keeps pictures: Redis lets go of a frame after ten seconds, and so does every process."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep

import pytest

from services.contracts.cameras import CAMERAS_KEY, status_key
from services.contracts.frames import FRAMES_TTL_S, frames_key
from tests.security.gateway_harness import Attacked, attacked
from tests.support.waiting import wait_until

SEEN = "seen"
CAMERAS = 12


def picture(number: int = 0, start: bytes = b"\xff\xd8") -> bytes:
    """Return what passes for a JPEG and holds this number in comments.

    It is so large that glibc takes it from the system and gives it back as soon as it is freed, as the services tell it
    to (``services/runtime/process.py``). What is found whole in memory is in use, then.
    """
    comments = (
        b"\xff\xfe\xff\xff" + f"picture {number:06} comment {comment:06} ".encode() * 2000 for comment in range(30)
    )
    return start + b"".join(comments) + b"\xff\xd9"


@contextmanager
def followed(it: Attacked, path: str) -> Iterator[threading.Event]:
    """Follow a camera, in whichever way, reading all that comes; the event says that something did."""
    came, leaving = threading.Event(), threading.Event()

    def follow() -> None:
        with socket.create_connection(("127.0.0.1", it.client.base_url.port or 0), timeout=0.2) as feed:
            feed.sendall(f"GET /cameras/{SEEN}/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            while not leaving.is_set():
                with suppress(TimeoutError):
                    if not feed.recv(1_000_000):
                        return
                    came.set()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield came
    finally:
        leaving.set()
        thread.join()


@pytest.mark.parametrize(
    ("start", "with_detector"),
    [(b"\xff\xd8", True), (b"no", True), (b"\xff\xd8", False)],
    ids=["analysed", "refused by the detector", "no detector"],
)
def test_no_image_is_kept_after_its_camera_has_gone(tmp_path: Path, start: bytes, with_detector: bool) -> None:
    jpeg = picture(start=start)
    with attacked(tmp_path, with_detector) as it:
        if not readable(it):
            pytest.skip("the memory of another process can't be read here")
        it.register(SEEN)
        it.publish(SEEN, jpeg=jpeg)
        with (
            followed(it, "events"),
            followed(it, "video") as raw,
            followed(it, "video?overlay=1"),
            followed(it, "video?blur=1"),
        ):
            copies = 0
            for _ in range(20):
                it.publish(SEEN, jpeg=jpeg)
                it.client.get(f"/predict?camera={SEEN}")
                it.client.get(f"/cameras/{SEEN}/frame.jpg")
                copies = copies or it.gateway.copies(jpeg)
            assert copies > 0, "else this test would see nothing"
            assert raw.is_set()
            it.writer.delete(frames_key(SEEN), status_key(SEEN))
            it.writer.zrem(CAMERAS_KEY, SEEN)
            wait_until(lambda: it.gateway.copies(jpeg) == 0, "the last picture to go", timeout_s=FRAMES_TTL_S)


def readable(it: Attacked) -> bool:
    try:
        it.gateway.copies(picture(999))
    except PermissionError:
        return False
    return True


def test_requests_for_many_cameras_keep_no_image(tmp_path: Path) -> None:
    with attacked(tmp_path) as it:
        if not readable(it):
            pytest.skip("the memory of another process can't be read here")
        jpegs = [picture(number) for number in range(CAMERAS)]
        before = it.gateway.resident_mb()
        for number, jpeg in enumerate(jpegs):
            it.register(f"cam{number}")
            it.publish(f"cam{number}", jpeg=jpeg)
            assert it.client.get(f"/predict?camera=cam{number}").status_code == 200
            assert it.client.get(f"/cameras/cam{number}/frame.jpg").content == jpeg
        sleep(1)
        kept = sum(it.gateway.copies(jpeg) for jpeg in jpegs)
        assert kept == 0
        assert it.gateway.resident_mb() - before < CAMERAS * len(jpegs[0]) / 1e6 / 2
