from dataclasses import replace
from threading import Event

import pytest

from services.capture.frame_buffer import Mailbox, NumberedFrame
from services.capture.jpeg import MAX_JPEG_BYTES
from services.capture.publisher_thread import Outlet, Sender
from services.capture.stats import Tally
from tests.support.clock import FakeClock
from tests.unit.capture.fakes import FakePublisher, make_frame


def test_the_delay_is_from_the_grab_to_the_publishing_by_the_monotonic_clock() -> None:
    clock, publisher, mailbox = FakeClock(100.0), FakePublisher(), Mailbox[NumberedFrame]()
    sender = Sender(Outlet("cam0", publisher, 85), mailbox, Tally(), clock)
    mailbox.replace(NumberedFrame(make_frame(grabbed_at=99.9875), seq=7))
    mailbox.close()
    sender.run()
    ((camera, message),) = publisher.messages
    assert (camera, message.seq, message.delay_us) == ("cam0", 7, 12_500)
    assert message.captured_at_us == 1_700_000_000_000_000
    assert sender.size == (32, 24)


def test_pictures_that_are_too_large_are_dropped_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    clock, publisher, mailbox, tally = FakeClock(), FakePublisher(), Mailbox[NumberedFrame](), Tally()
    sender = Sender(Outlet("cam0", publisher, 85), mailbox, tally, clock)
    sender.start()
    leave = Event()
    too_large = replace(make_frame(), picture=b"\xff\xd8" + bytes(MAX_JPEG_BYTES))
    for number in range(5):
        mailbox.put(NumberedFrame(too_large, number), leave)
    mailbox.put(NumberedFrame(make_frame(), 5), leave)
    sender.finish()
    sender.join(5)
    assert (tally.dropped, tally.published) == (5, 1)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert [message.seq for _, message in publisher.messages] == [5]
