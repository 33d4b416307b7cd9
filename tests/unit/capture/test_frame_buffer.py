import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.capture.frame_buffer import DropOldest, FrameSlot, NumberedFrame, Paced
from services.capture.stats import CameraStats
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until
from tests.unit.capture.fakes import make_frame

STOP = threading.Event()


def test_newest_item_replaces_one_that_was_not_taken() -> None:
    slot: FrameSlot[str] = FrameSlot()
    assert not slot.replace("old")
    assert slot.replace("new")
    assert slot.take() == "new"
    assert not slot.replace("next")


def test_put_blocks_until_the_slot_is_empty() -> None:
    slot: FrameSlot[int] = FrameSlot()
    stored: list[int] = []

    def put_three() -> None:
        for item in range(3):
            assert slot.put(item, STOP)
            stored.append(item)

    with ThreadPoolExecutor(1) as pool:
        putting = pool.submit(put_three)
        wait_until(lambda: stored, "the first item")
        assert stored == [0]
        assert [slot.take() for _ in range(3)] == [0, 1, 2]
        putting.result()


def test_put_returns_false_when_stopped() -> None:
    slot: FrameSlot[int] = FrameSlot()
    stop = threading.Event()
    slot.put(1, stop)
    with ThreadPoolExecutor(1) as pool:
        putting = pool.submit(slot.put, 2, stop)
        stop.set()
        assert putting.result() is False
    assert slot.take() == 1


def test_closed_slot_returns_its_item_and_then_none() -> None:
    slot: FrameSlot[int] = FrameSlot()
    slot.replace(1)
    slot.close()
    assert slot.take() == 1
    assert slot.take() is None


def test_close_wakes_a_waiting_take() -> None:
    slot: FrameSlot[int] = FrameSlot()
    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(slot.take)
        slot.close()
        assert taking.result() is None


def test_camera_is_limited_to_the_rate() -> None:
    slot, stats = FrameSlot[NumberedFrame](), CameraStats()
    buffer = DropOldest(slot, stats, fps=10)
    kept: list[int] = []
    for index in range(100):
        buffer.put(make_frame(grabbed_at=index / 100), STOP)
        if stats.dropped + len(kept) < index + 1:
            numbered = slot.take()
            assert numbered is not None
            kept.append(numbered.seq)
    # A frame may come a quarter of a period early.
    assert min(later - earlier for earlier, later in itertools.pairwise(kept)) >= 7
    assert len(kept) == pytest.approx(10, abs=1)
    assert stats.dropped == 100 - len(kept)


def test_file_is_read_at_the_rate() -> None:
    clock, times = FakeClock(50.0), list[float]()

    def wait(event: threading.Event, timeout_s: float) -> bool:
        clock.advance(timeout_s)
        return event.is_set()

    buffer = Paced(FrameSlot(), CameraStats(), fps=10, blocking=True, clock=clock, wait=wait)
    for _ in range(5):
        buffer.wait_for_turn(STOP)
        times.append(round(clock() - 50.0, 6))
        clock.advance(0.03)
    assert times == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_paced_source_that_does_not_block_drops_the_oldest() -> None:
    slot, stats = FrameSlot[NumberedFrame](), CameraStats()
    buffer = Paced(slot, stats, fps=10, blocking=False)
    buffer.put(make_frame(), STOP)
    buffer.put(make_frame(), STOP)
    numbered = slot.take()
    assert numbered is not None
    assert (numbered.seq, stats.dropped) == (2, 1)
