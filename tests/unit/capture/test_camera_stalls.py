"""Sources that never return from a call: they can't be stopped, so the camera goes on without them."""

import threading
import time

from services.capture.camera import MOST_GIVEN_UP, Camera, CameraPolicy
from services.capture.camera_list import parse_cameras
from services.capture.sources import SourceError
from services.contracts.cameras import CameraState
from tests.support.waiting import wait_until
from tests.unit.capture.fakes import FakeOpener, FakePublisher, FakeSource
from tests.unit.capture.scripted_camera import live, opening, running, then_hang


def test_a_stalled_source_is_given_up_and_its_late_frame_ignored() -> None:
    release = threading.Event()
    stuck = FakeSource(then_hang(3, release))
    publisher = FakePublisher()
    with running(FakeOpener(lambda: stuck, opening(lambda: live(20))), publisher) as camera:
        wait_until(lambda: camera.status().last_error == "no frame for 0.2 s", "the stall noticed")
        wait_until(lambda: camera.status().reconnects == 1, "another opening")
        assert not stuck.closed.is_set()
        release.set()
        wait_until(stuck.closed.is_set, "the stuck source to close itself")
        before = len(publisher.messages)
        wait_until(lambda: len(publisher.messages) > before + 5, "more frames")
        assert camera.state is CameraState.ONLINE
    assert all(message.width != 999 for _, message in publisher.messages)


def test_a_source_that_hangs_while_it_opens_is_given_up() -> None:
    release = threading.Event()

    def hang() -> FakeSource:
        release.wait(20)
        return FakeSource(live())

    try:
        with running(FakeOpener(hang, opening(live)), FakePublisher()) as camera:
            wait_until(lambda: camera.state is CameraState.ONLINE, "the second opening")
            assert camera.status().last_error == "no frame for 0.5 s"
    finally:
        release.set()


def test_stuck_readers_do_not_pile_up() -> None:
    release = threading.Event()

    def hang() -> FakeSource:
        release.wait(20)
        raise SourceError("late")

    policy = CameraPolicy(200, 85, open_s=0.02, stall_s=0.02, reconnect_min_s=0.01, reconnect_max_s=0.01)
    opener = FakeOpener(hang)
    with running(opener, FakePublisher(), policy=policy):
        wait_until(lambda: opener.opened == MOST_GIVEN_UP, "the first openings")
        time.sleep(0.3)  # time enough for ten more
        assert opener.opened == MOST_GIVEN_UP
        release.set()
        wait_until(lambda: opener.opened > MOST_GIVEN_UP, "another try once they are back")


def test_a_stuck_source_does_not_hold_up_the_stop() -> None:
    release = threading.Event()
    publisher = FakePublisher()
    camera = Camera(
        parse_cameras("cam0=0")[0],
        CameraPolicy(200, 85, open_s=30, stall_s=30, reconnect_min_s=1, reconnect_max_s=1),
        FakeOpener(opening(lambda: then_hang(1, release))),
        publisher,
    )
    camera.start()
    wait_until(lambda: publisher.messages, "a frame")
    started = time.monotonic()
    camera.begin_stop()
    camera.join(0.6)
    assert time.monotonic() - started < 1.0
    release.set()
