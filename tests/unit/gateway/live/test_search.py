"""Which regions a camera's next frame is searched in, and when new faces are searched."""

import asyncio
from contextlib import ExitStack

import pytest
from prometheus_client import CollectorRegistry

from services.contracts.detection import SearchScope
from services.contracts.geometry import Box
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.live.search import (
    MAX_DUTY_CYCLE,
    NEW_FACE_S,
    NEXT_RESULT_S,
    SHARED_DUTY_CYCLE,
    DetectorQuota,
    FaceSearch,
    SearchScheduler,
    distinct_boxes,
)
from services.gateway.metrics import LiveMetrics
from services.gateway.protocols import Deadline
from tests.support.clock import FakeClock
from tests.support.live_harness import FACE, OTHER_FACE, RecordingDetector, eventually, numbered_frame


def run_search(scheduler: SearchScheduler, clock: FakeClock, duration_s: float) -> None:
    with scheduler.search():
        clock.advance(duration_s)


def settle(scheduler: SearchScheduler, clock: FakeClock, duration_s: float) -> None:
    """Let the expected duration become that of the searches."""
    for _ in range(30):
        run_search(scheduler, clock, duration_s)
        clock.advance(100)


def advance_until_due(scheduler: SearchScheduler, clock: FakeClock, contention: float = 0) -> None:
    while not scheduler.is_due(contention):
        clock.advance(0.001)


@pytest.mark.parametrize("duration_s", [0.005, 0.03, 0.1, 0.12, 0.5])
def test_new_face_is_found_in_time_within_the_duty_cycle(duration_s: float) -> None:
    clock = FakeClock()
    scheduler = SearchScheduler(clock)
    settle(scheduler, clock, duration_s)
    started_s = clock()
    run_search(scheduler, clock, duration_s)
    advance_until_due(scheduler, clock)
    pause_s = clock() - started_s
    assert pause_s >= duration_s / MAX_DUTY_CYCLE - 1e-6
    if duration_s / MAX_DUTY_CYCLE + duration_s <= NEW_FACE_S - NEXT_RESULT_S:
        assert pause_s + duration_s == pytest.approx(NEW_FACE_S - NEXT_RESULT_S, abs=0.01)


@pytest.mark.parametrize(("full", "cameras", "contention"), [(1, 0, 0), (1, 1, 0), (1, 6, 5), (5, 6, 1)])
def test_cameras_share_the_time_for_searches(full: int, cameras: int, contention: float) -> None:
    clock = FakeClock()
    quota, scheduler = DetectorQuota(3, full), SearchScheduler(clock)
    with ExitStack() as stack:
        for _ in range(cameras):
            stack.enter_context(quota.register())
        assert quota.contention == contention
        settle(scheduler, clock, 0.2)
        started_s = clock()
        run_search(scheduler, clock, 0.2)
        advance_until_due(scheduler, clock, quota.contention)
        expected_s = 0.2 * (1 / MAX_DUTY_CYCLE + contention / SHARED_DUTY_CYCLE)
        assert clock() - started_s == pytest.approx(expected_s, abs=0.01)
    assert quota.contention == 0


def test_one_search_runs_at_a_time() -> None:
    clock = FakeClock()
    scheduler = SearchScheduler(clock)
    with scheduler.search():
        clock.advance(100)
        assert not scheduler.is_due()


def test_untypical_search_does_not_change_the_expected_duration() -> None:
    clock = FakeClock()
    scheduler = SearchScheduler(clock)
    settle(scheduler, clock, 0.02)
    with scheduler.search(typical=False):
        clock.advance(0.2)
    started_s = clock()
    run_search(scheduler, clock, 0.02)
    advance_until_due(scheduler, clock)
    assert clock() - started_s + 0.02 == pytest.approx(NEW_FACE_S - NEXT_RESULT_S, abs=0.01)


def test_lost_face_expedites_the_next_search() -> None:
    clock = FakeClock()
    scheduler = SearchScheduler(clock)
    settle(scheduler, clock, 0.02)
    run_search(scheduler, clock, 0.02)
    clock.advance(0.05)
    assert not scheduler.is_due()
    scheduler.expedite()
    assert scheduler.is_due()


def test_failed_search_may_be_repeated() -> None:
    clock = FakeClock()
    scheduler = SearchScheduler(clock)
    with pytest.raises(ZeroDivisionError), scheduler.search():
        raise ZeroDivisionError
    clock.advance(1)
    assert scheduler.is_due()


def test_overlapping_boxes_are_one_region() -> None:
    face, moved, other = Box(100, 100, 100, 100), Box(110, 105, 100, 100), Box(500, 100, 100, 100)
    assert distinct_boxes([face, moved, other]) == (face, other)
    assert distinct_boxes([face, moved, other], threshold=0.9) == (face, moved, other)


class Search:
    """A search with its detector; frames are numbered."""

    def __init__(self) -> None:
        self.detector = RecordingDetector()
        self.faces = FaceSearch("cam0", self.detector, DetectorQuota(3, 1), LiveMetrics(CollectorRegistry()))

    async def detect_new(self, number: int, full_only: bool = False) -> None:
        await self.faces.detect_new(numbered_frame(number), "id", Deadline.after(30), full_only)

    async def detect_known(self, number: int, *rois: Box) -> None:
        await self.faces.detect_known(rois, numbered_frame(number), "id", Deadline.after(30))


@pytest.fixture
def search() -> Search:
    return Search()


@pytest.mark.parametrize("full_only", [True, False])
async def test_found_face_stays_a_region_until_it_was_searched(search: Search, full_only: bool) -> None:
    await search.detect_new(0)
    search.detector.boxes.clear()
    await search.detect_new(1, full_only)
    assert search.faces.rois(()) == (FACE,)
    await search.detect_known(2, *search.faces.rois(()))
    await search.detect_new(3, full_only)
    assert search.faces.rois(()) == ()


async def test_detection_that_started_before_a_search_ended_did_not_search_its_faces(search: Search) -> None:
    await search.detect_new(0)
    await search.detect_known(1, FACE)
    search.detector.gate.clear()
    requests = len(search.detector.requests)
    known = asyncio.create_task(search.detect_known(2, FACE))
    await eventually(lambda: len(search.detector.requests) > requests, "the detection to start")
    search.detector.boxes.append(OTHER_FACE)
    new = asyncio.create_task(search.detect_new(2))
    await eventually(lambda: len(search.detector.requests) > requests + 1, "the search to start")
    search.detector.gate.set()
    await new
    await known
    await search.detect_new(3)
    assert set(search.faces.rois(())) == {FACE, OTHER_FACE}


async def test_only_full_searches_set_the_time_of_a_full_search(search: Search) -> None:
    await search.detect_new(0)
    await search.detect_new(1)
    assert search.detector.scopes == [SearchScope.FULL, SearchScope.CHANGED]
    assert search.faces.full_search_at_us == numbered_frame(0).captured_at_us
    await search.detect_new(2, full_only=True)
    assert search.faces.full_search_at_us == numbered_frame(2).captured_at_us


@pytest.mark.parametrize(
    ("kind", "then"),
    [(ProblemKind.DEPENDENCY_UNAVAILABLE, SearchScope.FULL), (ProblemKind.DEPENDENCY_TIMEOUT, SearchScope.CHANGED)],
)
async def test_reference_that_a_detector_may_not_read_is_discarded(
    search: Search, kind: ProblemKind, then: SearchScope
) -> None:
    await search.detect_new(0)
    search.detector.error = ServiceError(kind, "refused", dependency="detector")
    with pytest.raises(ServiceError):
        await search.detect_new(1)
    search.detector.error = None
    await search.detect_new(2)
    assert search.detector.scopes[-1] == then
