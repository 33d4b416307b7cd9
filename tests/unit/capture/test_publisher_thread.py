from dataclasses import replace
from threading import Event

import pytest

from services.capture.frame_buffer import FrameSlot, NumberedFrame
from services.capture.publisher_thread import PublisherThread, PublishTarget
from services.capture.sources.jpeg import MAX_JPEG_BYTES
from services.capture.stats import CameraStats
from tests.support.clock import FakeClock
from tests.unit.capture.fakes import FakePublisher, make_frame


def test_delay_is_measured_from_the_grab_by_the_monotonic_clock() -> None:
    clock, publisher, slot = FakeClock(100.0), FakePublisher(), FrameSlot[NumberedFrame]()
    thread = PublisherThread(PublishTarget("cam0", publisher, 85), slot, CameraStats(), clock)
    slot.replace(NumberedFrame(make_frame(grabbed_at=99.9875), seq=7))
    slot.close()
    thread.run()
    ((camera_id, message),) = publisher.messages
    assert (camera_id, message.seq, message.delay_us) == ("cam0", 7, 12_500)
    assert message.captured_at_us == 1_700_000_000_000_000
    assert thread.size == (32, 24)


def test_pictures_that_are_too_large_are_dropped_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    clock, publisher, slot, stats = FakeClock(), FakePublisher(), FrameSlot[NumberedFrame](), CameraStats()
    thread = PublisherThread(PublishTarget("cam0", publisher, 85), slot, stats, clock)
    thread.start()
    stop = Event()
    too_large = replace(make_frame(), picture=b"\xff\xd8" + bytes(MAX_JPEG_BYTES))
    for number in range(5):
        slot.put(NumberedFrame(too_large, number), stop)
    slot.put(NumberedFrame(make_frame(), 5), stop)
    thread.finish()
    thread.join()
    assert (stats.dropped, stats.published) == (5, 1)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert [message.seq for _, message in publisher.messages] == [5]
