"""A camera with scripted sources and a Redis in memory."""

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from services.capture.camera import FILE_ENDED, MOST_GIVEN_UP, Backoff, Camera, CameraPolicy
from services.capture.line_limit import MAX_LINES
from services.capture.redaction import MAX_TEXT
from services.capture.sources.base import Frame, SourceError
from services.capture.sources.spec import parse_cameras
from services.contracts.cameras import CameraState
from tests.support.waiting import wait_until
from tests.unit.capture.fakes import (
    FakeOpener,
    FakePublisher,
    FakeSource,
    count,
    live,
    make_frame,
    opening,
    refuse,
    running,
    then_fail,
    then_hang,
)


def test_frames_are_published_in_order_with_their_delay() -> None:
    publisher = FakePublisher()
    with running(FakeOpener(opening(live)), publisher) as camera:
        wait_until(lambda: len(publisher.messages) >= 10, "ten frames")
        assert camera.state is CameraState.ONLINE
    sequence = [message.seq for _, message in publisher.messages]
    assert sequence == sorted(set(sequence))
    assert sequence[0] == 1
    name, message = publisher.messages[0]
    assert name == "cam0"
    assert (message.width, message.height) == (32, 24)
    assert message.jpeg.startswith(b"\xff\xd8")
    assert 0 <= message.delay_us < 1_000_000


def test_a_live_source_drops_the_oldest_and_counts_it() -> None:
    publisher = FakePublisher()
    publisher.gate.clear()
    with running(FakeOpener(opening(live)), publisher) as camera:
        wait_until(lambda: camera.status().dropped >= 5, "drops while publishing is stuck")
        publisher.gate.set()
        wait_until(lambda: len(publisher.messages) >= 3, "frames again")
    first, second = (message.seq for _, message in publisher.messages[:2])
    assert first == 1
    assert second > 5  # the newest, not the one that came next
    status = camera.status()
    read = publisher.messages[-1][1].seq
    assert status.published + status.dropped == pytest.approx(read, abs=2)


def test_a_live_source_is_held_to_the_rate() -> None:
    publisher = FakePublisher()
    slow = CameraPolicy(10, 85, open_s=10, stall_s=10, reconnect_min_s=0.1, reconnect_max_s=1)

    def hundred_a_second() -> Iterator[Frame]:
        """By its own clock, however busy the machine is."""
        for index in itertools.count():
            time.sleep(0.01)
            yield make_frame(grabbed_at=index / 100)

    with running(FakeOpener(opening(hundred_a_second)), publisher, policy=slow) as camera:
        wait_until(lambda: len(publisher.messages) >= 4, "four frames")
    gaps = [b[1].seq - a[1].seq for a, b in itertools.pairwise(publisher.messages)]
    assert min(gaps) >= 7  # of a camera ten times as fast; one frame may come a quarter of a period early
    assert camera.status().dropped > 10


def test_a_file_waits_so_that_every_frame_is_published_and_then_it_is_over() -> None:
    publisher = FakePublisher()
    opener = FakeOpener(opening(lambda: count(50)))
    with running(opener, publisher, source="film.avi") as camera:
        wait_until(lambda: len(publisher.messages) == 50, "all frames")
        wait_until(lambda: camera.state is CameraState.ENDED, "the end")
        status = camera.status()
    assert [message.seq for _, message in publisher.messages] == list(range(1, 51))
    assert (status.published, status.dropped, status.last_error) == (50, 0, FILE_ENDED)
    assert opener.opened == 1


def test_a_file_is_read_at_the_rate_asked_for() -> None:
    publisher = FakePublisher()
    policy = CameraPolicy(50, 85, open_s=1, stall_s=1, reconnect_min_s=0.1, reconnect_max_s=1)
    started = time.monotonic()
    with running(FakeOpener(opening(lambda: count(26))), publisher, source="film.avi", policy=policy):
        wait_until(lambda: len(publisher.messages) == 26, "all frames")
        assert time.monotonic() - started >= 0.48


def test_waiting_for_our_own_schedule_is_no_stall() -> None:
    publisher = FakePublisher()
    policy = CameraPolicy(4, 85, open_s=1, stall_s=0.1, reconnect_min_s=0.01, reconnect_max_s=0.01)
    with running(FakeOpener(opening(lambda: count(50))), publisher, source="film.avi", policy=policy) as camera:
        wait_until(lambda: len(publisher.messages) >= 4, "four frames")
        assert camera.status().last_error == ""


def test_a_source_that_fails_is_opened_anew() -> None:
    publisher = FakePublisher()
    opener = FakeOpener(opening(lambda: then_fail(3)), refuse, opening(live))
    with running(opener, publisher) as camera:
        wait_until(lambda: camera.status().reconnects == 1, "the source back")
        wait_until(lambda: len(publisher.messages) > 8, "frames again")
        status = camera.status()
    assert status.state is CameraState.ONLINE
    assert status.last_error == "there is no /dev/video0"
    assert opener.opened == 3


def test_frames_make_the_waits_short_again() -> None:
    policy = CameraPolicy(200, 85, open_s=1, stall_s=1, reconnect_min_s=0.02, reconnect_max_s=60)
    opener = FakeOpener(opening(lambda: then_fail(1)))
    with running(opener, FakePublisher(), policy=policy):
        wait_until(
            lambda: opener.opened >= 10, "ten openings; with waits that only grow they take over five seconds", 3
        )


def test_a_source_that_never_opens_has_failed_and_is_still_tried() -> None:
    opener = FakeOpener(*[refuse] * 5, opening(live))
    publisher = FakePublisher()
    with running(opener, publisher) as camera:
        assert camera.state is CameraState.RECONNECTING
        wait_until(lambda: camera.state is CameraState.FAILED, "the state failed")
        assert camera.status().last_error == "there is no /dev/video0"
        wait_until(lambda: camera.state is CameraState.ONLINE, "the camera plugged in")
        assert camera.status().reconnects == 0


def test_a_source_that_worked_once_is_reconnecting_however_long_it_is_away() -> None:
    opener = FakeOpener(opening(lambda: then_fail(1)), refuse)
    with running(opener, FakePublisher()) as camera:
        wait_until(lambda: opener.opened > 6, "many tries")
        assert camera.state is CameraState.RECONNECTING


def test_stopping_ends_every_thread_and_closes_the_source() -> None:
    source = FakeSource(live())
    publisher = FakePublisher()
    with running(FakeOpener(lambda: source), publisher):
        wait_until(lambda: publisher.messages, "a frame")
    assert source.closed.is_set()
    assert [thread.name for thread in threading.enumerate() if "cam0" in thread.name] == []


def test_while_redis_is_gone_frames_are_dropped_and_counted() -> None:
    publisher = FakePublisher()
    publisher.failing = True
    with running(FakeOpener(opening(live)), publisher) as camera:
        wait_until(lambda: camera.status().dropped > 5, "drops")
        assert camera.state is CameraState.ONLINE
        assert camera.status().published == 0
        publisher.failing = False
        wait_until(lambda: camera.status().published > 5, "frames after its return")


def test_no_password_in_a_status_whatever_an_exception_says(caplog: pytest.LogCaptureFixture) -> None:
    url = "rtsp://admin:hunter2@door/x"

    def fail_with_the_url() -> Iterator[Frame]:
        yield make_frame(grabbed_at=time.monotonic())
        raise OSError(36, "can't open", url)

    opener = FakeOpener(opening(fail_with_the_url), refuse)
    caplog.set_level("DEBUG")
    with running(opener, FakePublisher(), source=url) as camera:
        wait_until(lambda: opener.opened > 2, "an error")
        assert "hunter2" not in repr(camera.status())
        assert camera.status().source == "rtsp://door/…"
    assert "unexpected OSError" in caplog.text
    assert "hunter2" not in caplog.text


def test_an_exception_nobody_foresaw_is_a_failure_like_any_other() -> None:
    def odd() -> Iterator[Frame]:
        yield make_frame(grabbed_at=time.monotonic())
        raise ZeroDivisionError("in a driver")

    publisher = FakePublisher()
    with running(FakeOpener(opening(odd), opening(live)), publisher) as camera:
        wait_until(lambda: camera.status().reconnects == 1, "another opening")
        assert camera.status().last_error.startswith("unexpected ZeroDivisionError at test_camera.py:")


def test_a_status_fits_its_readers_however_long_an_error_is() -> None:
    opener = FakeOpener(opening(lambda: then_fail(1, "x\n" * 5000)))
    with running(opener, FakePublisher()) as camera:
        wait_until(lambda: camera.status().last_error.startswith("x"), "the error")
        assert len(camera.status().last_error) == MAX_TEXT
        assert camera.status().last_error.isprintable()


def test_a_camera_that_comes_and_goes_all_the_time_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    opener = FakeOpener(opening(lambda: then_fail(1)))
    caplog.set_level("INFO")
    with running(opener, FakePublisher()):
        wait_until(lambda: opener.opened > 3 * MAX_LINES, "many failures")
    assert len(caplog.records) == MAX_LINES


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


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff(0.5, 3.0, random=lambda: 1.0)
    assert [backoff.next_s() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_chance_shortens_a_wait_by_up_to_a_half() -> None:
    backoff = Backoff(1.0, 8.0, random=lambda: 0.0)
    assert [backoff.next_s() for _ in range(3)] == [0.5, 1.0, 2.0]


def test_after_a_reset_waits_are_short_again() -> None:
    backoff = Backoff(1.0, 8.0, random=lambda: 1.0)
    backoff.next_s()
    backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == 1.0
