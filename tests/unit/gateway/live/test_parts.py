"""The small parts of live sessions, each by itself."""

import asyncio
from contextlib import ExitStack

import pytest

from services.contracts.geometry import Box
from services.contracts.problems import ServiceError
from services.gateway.live.broadcast import is_news
from services.gateway.live.latest_value import Closed, Latest
from services.gateway.live.search import (
    APPEAR_S,
    FOLLOWING_S,
    MOST_DUTY,
    SHARED_DUTY,
    DetectorShare,
    SearchPace,
    distinct_boxes,
)
from services.gateway.live.shared_tasks import Lifetimes
from tests.support.live_harness import eventually


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def searched(pace: SearchPace, clock: Clock, takes_s: float) -> None:
    with pace.search(clock):
        assert not pace.due(clock.now + 100), "one at a time"
        clock.now += takes_s


@pytest.mark.parametrize("takes_s", [0.005, 0.03, 0.1, 0.12, 0.5])
def test_a_new_face_is_found_in_time_if_searches_are_quick_enough_and_never_take_a_whole_core(takes_s: float) -> None:
    pace, clock = SearchPace(), Clock()
    for _ in range(30):
        searched(pace, clock, takes_s)
        clock.now += 100
    began = clock.now
    searched(pace, clock, takes_s)
    while not pace.due(clock.now):
        clock.now += 0.001
    pause_s = clock.now - began
    assert pause_s >= takes_s / MOST_DUTY - 1e-6
    if takes_s / MOST_DUTY + takes_s <= APPEAR_S - FOLLOWING_S:
        assert pause_s + takes_s == pytest.approx(APPEAR_S - FOLLOWING_S, abs=0.01)


@pytest.mark.parametrize(("full", "cameras", "others"), [(1, 0, 0), (1, 1, 0), (1, 6, 5), (5, 6, 1)])
def test_cameras_share_the_time_for_searches(full: int, cameras: int, others: float) -> None:
    share, pace, clock = DetectorShare(3, full), SearchPace(), Clock()
    with ExitStack() as stack:
        for _ in range(cameras):
            stack.enter_context(share.taken())
        assert share.others == others
        for _ in range(30):
            searched(pace, clock, 0.2)
            clock.now += 100
        searched(pace, clock, 0.2)
        began = clock.now - 0.2
        while not pace.due(clock.now, share.others):
            clock.now += 0.001
        pause_s = clock.now - began
        assert pause_s == pytest.approx(0.2 * (1 / MOST_DUTY + others / SHARED_DUTY), abs=0.01)
    assert share.others == 0


def test_a_search_of_another_kind_says_nothing_about_the_pace() -> None:
    pace, clock = SearchPace(), Clock()
    for _ in range(30):
        searched(pace, clock, 0.02)
        clock.now += 100
    with pace.search(clock, counts=False):
        clock.now += 0.2
    began = clock.now
    with pace.search(clock):
        clock.now += 0.02
    while not pace.due(clock.now):
        clock.now += 0.001
    assert clock.now - began + 0.02 == pytest.approx(APPEAR_S - FOLLOWING_S, abs=0.01)


def test_a_lost_face_is_looked_for_sooner() -> None:
    pace, clock = SearchPace(), Clock()
    for _ in range(30):
        searched(pace, clock, 0.02)
        clock.now += 100
    searched(pace, clock, 0.02)
    clock.now += 0.05
    assert not pace.due(clock.now)
    pace.hasten()
    assert pace.due(clock.now)


def test_a_search_that_fails_may_be_tried_again() -> None:
    pace, clock = SearchPace(), Clock()
    with pytest.raises(ZeroDivisionError), pace.search(clock):
        raise ZeroDivisionError
    assert pace.due(clock.now + 1)


def test_one_face_gives_one_hint() -> None:
    face, moved, other = Box(100, 100, 100, 100), Box(110, 105, 100, 100), Box(500, 100, 100, 100)
    assert distinct_boxes([face, moved, other]) == (face, other)
    assert distinct_boxes([face, moved, other], same=0.9) == (face, moved, other)


def test_what_is_news() -> None:
    assert is_news("1700000000001-0", "1700000000000-5")
    assert is_news("1700000000000-10", "1700000000000-9")
    assert not is_news("1700000000000-9", "1700000000000-9")
    assert not is_news("1700000000000-0", "1700000005000-0")
    assert is_news("1700000000000-0", "1700000011000-0"), "the clock was set back"


async def test_the_newest_value_wins_and_each_is_taken_once() -> None:
    dropped: list[None] = []
    slot: Latest[int] = Latest(lambda: dropped.append(None))
    slot.put(1)
    slot.put(2)
    assert (await slot.take(), slot.take_now(), len(dropped)) == (2, None, 1)
    slot.put(3)
    assert slot.newer_than(2) == 3
    assert slot.newer_than(3) == 3
    assert len(dropped) == 2
    waiting = asyncio.create_task(slot.take())
    await asyncio.sleep(0)
    slot.close()
    with pytest.raises(Closed):
        await waiting


class Thing:
    def __init__(self, fails: bool = False) -> None:
        self.running = False
        self._fails = fails

    async def run(self) -> None:
        if self._fails:
            raise RuntimeError("a bug")
        self.running = True
        try:
            await asyncio.Event().wait()
        finally:
            self.running = False


async def test_a_thing_runs_while_somebody_holds_it() -> None:
    things: Lifetimes[str, Thing] = Lifetimes(lambda _: Thing(), most=2)
    with things.hold("a") as first:
        with things.hold("a") as second:
            assert first is second
        await eventually(lambda: first.running, "it to run")
        things.keep("b", 60)
        with pytest.raises(ServiceError), things.hold("c"):
            pass
    await eventually(lambda: not first.running, "it to end")
    assert things.get("a") is None
    assert things.get("b") is not None
    await things.close()
    assert len(things) == 0


async def test_a_thing_that_ends_by_itself_is_logged_and_made_anew(caplog: pytest.LogCaptureFixture) -> None:
    made: list[Thing] = []

    def make(_: str) -> Thing:
        made.append(Thing(fails=not made))
        return made[-1]

    things: Lifetimes[str, Thing] = Lifetimes(make, most=1)
    with things.hold("a"):
        await eventually(lambda: "a bug" in caplog.text, "the log")
        with things.hold("a"):
            await eventually(lambda: made[1].running, "the second to run")
    await things.close()
