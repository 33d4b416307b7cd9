"""The reader thread: what counts as a stall."""

import threading

from services.capture.reader import Reader
from services.capture.sources.base import Frame, FrameSource, SourceEndedError, SourceError
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until
from tests.unit.capture.fakes import FakeSource, make_frame


class GatedBuffer:
    """Keeps frames; ``wait_for_turn`` blocks until the gate opens."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.waiting = threading.Event()
        self.gate = threading.Event()

    def wait_for_turn(self, stop: threading.Event) -> None:  # noqa: ARG002
        self.waiting.set()
        self.gate.wait()

    def put(self, frame: Frame, stop: threading.Event) -> None:  # noqa: ARG002
        self.frames.append(frame)


def test_waiting_for_the_schedule_is_no_stall() -> None:
    clock, buffer = FakeClock(), GatedBuffer()
    reader = Reader("cam0", lambda: FakeSource(make_frame(), SourceEndedError()), buffer, threading.Event(), clock)
    reader.start()
    wait_until(buffer.waiting.is_set, "the reader to wait for its turn")
    clock.advance(1000)
    assert reader.blocked_s(clock()) == 0
    buffer.gate.set()
    reader.join()
    assert reader.reached_end
    assert len(buffer.frames) == 1


def test_opening_and_reading_count_as_blocked() -> None:
    clock, buffer, source, opening = FakeClock(), GatedBuffer(), FakeSource(), threading.Event()

    def open_source() -> FrameSource:
        opening.wait()
        return source

    buffer.gate.set()
    reader = Reader("cam0", open_source, buffer, threading.Event(), clock)
    reader.start()
    clock.advance(3)
    assert reader.blocked_s(clock()) == 3
    opening.set()
    source.feed(make_frame())
    wait_until(lambda: source.reads == 2, "the second read")
    clock.advance(2)
    assert reader.blocked_s(clock()) == 2
    source.feed(SourceError("unplugged"))
    reader.join()
    assert reader.error == "unplugged"


def test_frames_after_abandoning_are_ignored_and_the_source_is_closed() -> None:
    buffer, source, wakeup = GatedBuffer(), FakeSource(), threading.Event()
    reader = Reader("cam0", lambda: source, buffer, wakeup)
    reader.start()
    wait_until(lambda: source.reads == 1, "the read")
    reader.abandon()
    source.feed(make_frame())
    reader.join()
    assert buffer.frames == []
    assert source.closed.is_set()
    assert reader.finished
    assert wakeup.is_set()
