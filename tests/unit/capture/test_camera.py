"""A camera with scripted sources, a clock that the test advances, and a Redis in memory."""

import threading
from dataclasses import replace

import pytest

from services.capture.camera import END_OF_FILE, MAX_STUCK_READERS, Backoff
from services.capture.publisher_thread import MAX_LOG_LINES
from services.capture.redaction import MAX_TEXT_CHARACTERS
from services.capture.sources.base import FrameSource, SourceError
from services.contracts.cameras import CameraState
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until
from tests.unit.capture.fakes import (
    POLICY,
    FakeFactory,
    FakePublisher,
    FakeSource,
    delivering,
    file_of,
    make_frame,
    missing,
    running,
)

CABLE_OUT = SourceError("the cable is out")


def test_frames_are_published_in_order() -> None:
    publisher, source = FakePublisher(), FakeSource()
    with running(FakeFactory(lambda: source), publisher, FakeClock()) as camera:
        while len(publisher.messages) < 3:
            expected = [*publisher.sequence, len(publisher.messages) + 1]
            source.feed(make_frame(grabbed_at=float(len(expected))))
            wait_until(lambda: publisher.sequence == expected, "the frame")  # noqa: B023 - called in this iteration
        assert camera.state is CameraState.ONLINE
    camera_id, message = publisher.messages[0]
    assert camera_id == "cam0"
    assert (message.width, message.height) == (32, 24)
    assert message.jpeg.startswith(b"\xff\xd8")


def test_live_source_drops_the_oldest_frame_and_counts_it() -> None:
    clock, publisher, source = FakeClock(), FakePublisher(), FakeSource()
    publisher.gate.clear()
    with running(FakeFactory(lambda: source), publisher, clock) as camera:
        source.feed(make_frame(1.0))
        wait_until(lambda: publisher.calls == 1, "the first frame to be taken")
        source.feed(make_frame(2.0), make_frame(3.0), make_frame(4.0))
        wait_until(lambda: camera.status().dropped == 2, "two frames to be replaced")
        publisher.gate.set()
        wait_until(lambda: len(publisher.messages) == 2, "the newest frame")
        wait_until(lambda: camera.status().published == 2, "the count")
    assert publisher.sequence == [1, 4]


def test_every_frame_of_a_file_is_published_and_then_the_camera_is_finished() -> None:
    clock, publisher, factory = FakeClock(), FakePublisher(), FakeFactory(file_of(10))
    with running(factory, publisher, clock, source="film.avi") as camera:
        clock.advance_until(lambda: len(publisher.messages) == 10, "all frames")
        clock.advance_until(lambda: camera.state is CameraState.FINISHED, "the end")
        wait_until(lambda: camera.status().published == 10, "the count")
        status = camera.status()
    assert publisher.sequence == list(range(1, 11))
    assert (status.dropped, status.last_error) == (0, END_OF_FILE)
    assert factory.opened == 1


def test_failed_source_is_opened_again() -> None:
    clock, publisher = FakeClock(), FakePublisher()
    factory = FakeFactory(delivering(make_frame(), CABLE_OUT), missing, delivering(make_frame()))
    with running(factory, publisher, clock) as camera:
        clock.advance_until(lambda: camera.status().reconnects == 1, "the source to be back")
        status = camera.status()
    assert status.state is CameraState.ONLINE
    assert status.last_error == "/dev/video0 does not exist"
    assert factory.opened == 3


def test_delay_before_reopening_is_reset_by_a_frame() -> None:
    clock, factory = FakeClock(), FakeFactory(delivering(make_frame(), CABLE_OUT))
    with running(factory, FakePublisher(), clock):
        clock.advance_until(lambda: factory.opened >= 6, "six openings")
    delays = [timeout for timeout in clock.timeouts if timeout < POLICY.stall_s]
    assert len(delays) >= 5
    assert max(delays[:5]) <= POLICY.reconnect_min_s


def test_source_that_never_opens_is_failed_and_is_still_tried() -> None:
    clock, factory = FakeClock(), FakeFactory(*[missing] * 5, delivering(make_frame()))
    with running(factory, FakePublisher(), clock) as camera:
        assert camera.state is CameraState.RECONNECTING
        clock.advance_until(lambda: camera.state is CameraState.FAILED, "the state failed")
        assert camera.status().last_error == "/dev/video0 does not exist"
        clock.advance_until(lambda: camera.state is CameraState.ONLINE, "the camera to be plugged in")
        assert camera.status().reconnects == 0


def test_source_that_was_online_is_reconnecting_however_long_it_is_away() -> None:
    clock, factory = FakeClock(), FakeFactory(delivering(make_frame(), CABLE_OUT), missing)
    with running(factory, FakePublisher(), clock) as camera:
        clock.advance_until(lambda: factory.opened > 6, "many tries")
        assert camera.state is CameraState.RECONNECTING


def test_stopping_ends_every_thread_and_closes_the_source() -> None:
    source, publisher = FakeSource(make_frame()), FakePublisher()
    with running(FakeFactory(lambda: source), publisher, FakeClock()):
        wait_until(lambda: publisher.messages, "a frame")
    assert source.closed.is_set()
    assert [thread.name for thread in threading.enumerate() if "cam0" in thread.name] == []


def test_frames_are_dropped_and_counted_while_redis_is_unreachable() -> None:
    publisher, source = FakePublisher(), FakeSource(make_frame(1.0))
    publisher.failing = True
    with running(FakeFactory(lambda: source), publisher, FakeClock()) as camera:
        wait_until(lambda: camera.status().dropped == 1, "a drop")
        assert camera.state is CameraState.ONLINE
        assert camera.status().published == 0
        publisher.failing = False
        source.feed(make_frame(2.0))
        wait_until(lambda: camera.status().published == 1, "a frame after its return")


def test_no_password_in_a_status_whatever_an_exception_says(caplog: pytest.LogCaptureFixture) -> None:
    url = "rtsp://admin:hunter2@door/x"
    clock, factory = FakeClock(), FakeFactory(delivering(make_frame(), OSError(36, "can't open", url)), missing)
    caplog.set_level("DEBUG")
    with running(factory, FakePublisher(), clock, source=url) as camera:
        clock.advance_until(lambda: factory.opened > 2, "an error")
        assert "hunter2" not in repr(camera.status())
        assert camera.status().source == "rtsp://door/…"
    assert "unexpected OSError" in caplog.text
    assert "hunter2" not in caplog.text


def test_unexpected_exception_is_a_failure_like_any_other() -> None:
    clock = FakeClock()
    factory = FakeFactory(delivering(make_frame(), ZeroDivisionError("in a driver")), delivering(make_frame()))
    with running(factory, FakePublisher(), clock) as camera:
        clock.advance_until(lambda: camera.status().reconnects == 1, "another opening")
        assert camera.status().last_error.startswith("unexpected ZeroDivisionError at fakes.py:")


def test_status_fits_its_readers_however_long_an_error_is() -> None:
    factory = FakeFactory(delivering(make_frame(), SourceError("x\n" * 5000)))
    with running(factory, FakePublisher(), FakeClock()) as camera:
        wait_until(lambda: camera.status().last_error.startswith("x"), "the error")
        assert len(camera.status().last_error) == MAX_TEXT_CHARACTERS
        assert camera.status().last_error.isprintable()


def test_flapping_camera_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    clock, factory = FakeClock(), FakeFactory(delivering(make_frame(), CABLE_OUT))
    policy = replace(POLICY, reconnect_min_s=0.001, reconnect_max_s=0.001)
    caplog.set_level("INFO")
    with running(factory, FakePublisher(), clock, policy=policy):
        clock.advance_until(lambda: factory.opened > 3 * MAX_LOG_LINES, "many failures", step_s=0.001)
    assert len(caplog.records) == MAX_LOG_LINES


def test_stalled_source_is_abandoned_and_its_late_frame_ignored() -> None:
    clock, publisher, stuck = FakeClock(), FakePublisher(), FakeSource(make_frame(1.0))
    with running(FakeFactory(lambda: stuck, delivering(make_frame(2.0))), publisher, clock) as camera:
        wait_until(lambda: stuck.reads == 2 and camera.state is CameraState.ONLINE, "the source to block")
        wait_until(lambda: POLICY.stall_s in clock.timeouts, "the camera to wait for the next frame")
        clock.advance(POLICY.stall_s)
        wait_until(lambda: camera.status().last_error == "no frame for 200 s", "the stall to be noticed")
        clock.advance_until(lambda: camera.status().reconnects == 1, "another opening")
        assert not stuck.closed.is_set()
        stuck.feed(make_frame(3.0, width=999))
        wait_until(stuck.closed.is_set, "the stuck source to be closed")
        assert camera.state is CameraState.ONLINE
        wait_until(lambda: len(publisher.messages) == 2, "the frame of the second opening")
    assert all(message.width != 999 for _, message in publisher.messages)


def test_source_that_hangs_while_it_opens_is_abandoned() -> None:
    release, clock = threading.Event(), FakeClock()

    def hang() -> FrameSource:
        release.wait()
        raise SourceError("late")

    factory = FakeFactory(hang, delivering(make_frame()))
    with running(factory, FakePublisher(), clock) as camera:
        wait_until(lambda: factory.opened == 1, "the first opening")
        clock.advance(POLICY.open_s)
        clock.advance_until(lambda: camera.state is CameraState.ONLINE, "the second opening")
        assert camera.status().last_error == "no frame for 500 s"
        release.set()


def test_stuck_readers_do_not_pile_up() -> None:
    release, clock = threading.Event(), FakeClock()

    def hang() -> FrameSource:
        release.wait()
        raise SourceError("late")

    factory = FakeFactory(hang)
    policy = replace(POLICY, reconnect_max_s=POLICY.reconnect_min_s)
    with running(factory, FakePublisher(), clock, policy=policy):
        clock.advance_until(lambda: factory.opened == MAX_STUCK_READERS, "the first openings", step_s=POLICY.open_s / 4)
        clock.advance(POLICY.open_s)
        waits = len(clock.timeouts)
        clock.advance_until(lambda: len(clock.timeouts) > waits + 10, "time for ten more openings")
        assert factory.opened == MAX_STUCK_READERS
        release.set()
        clock.advance_until(lambda: factory.opened > MAX_STUCK_READERS, "another try once they have returned")


def test_stuck_source_does_not_hold_up_the_stop() -> None:
    publisher, source = FakePublisher(), FakeSource(make_frame())
    with running(FakeFactory(lambda: source), publisher, FakeClock()) as camera:
        wait_until(lambda: publisher.messages and source.reads == 2, "the source to block")
        camera.begin_stop()
        camera.join(0.05)
        assert not source.closed.is_set()


def test_delays_double_up_to_the_maximum() -> None:
    backoff = Backoff(0.5, 3.0, random=lambda: 1.0)
    assert [backoff.next_delay_s() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    backoff.reset()
    assert backoff.next_delay_s() == 0.5


def test_delay_is_shortened_by_up_to_half() -> None:
    assert Backoff(0.5, 3.0, random=lambda: 0.0).next_delay_s() == 0.25
