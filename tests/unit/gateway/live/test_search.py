"""What a search for new faces leaves for the next frames, however its answers and theirs come in."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from services.contracts.detection import Searched
from services.contracts.geometry import Box
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.live.search import DetectorShare, FaceSearch
from services.gateway.metrics import LiveMetrics
from services.gateway.protocols import Deadline
from tests.support.live_harness import FACE, OTHER_FACE, SeeingDetector, eventually, numbered_frame


class Search:
    """A search with its detector; frames are numbered."""

    def __init__(self) -> None:
        self.detector = SeeingDetector()
        self.faces = FaceSearch("cam0", self.detector, DetectorShare(3, 1), LiveMetrics(CollectorRegistry()))

    async def anew(self, number: int, whole: bool = False) -> None:
        await self.faces.anew(numbered_frame(number), "id", Deadline.after(30), whole)

    async def around(self, number: int, *hints: Box) -> None:
        await self.faces.around(hints, numbered_frame(number), "id", Deadline.after(30))


@pytest.fixture
def it() -> Search:
    return Search()


@pytest.mark.parametrize("whole", [True, False])
async def test_a_face_that_was_found_stays_a_hint_until_somebody_looked_there(it: Search, whole: bool) -> None:
    await it.anew(0)
    it.detector.boxes.clear()
    await it.anew(1, whole)
    assert it.faces.hints(()) == (FACE,)
    await it.around(2, *it.faces.hints(()))
    await it.anew(3, whole)
    assert it.faces.hints(()) == ()


async def test_a_look_that_began_before_a_search_ended_was_not_at_what_it_found(it: Search) -> None:
    await it.anew(0)
    await it.around(1, FACE)
    it.detector.gate.clear()
    asked = len(it.detector.asked)
    looking = asyncio.create_task(it.around(2, FACE))
    await eventually(lambda: len(it.detector.asked) > asked, "the look to be under way")
    it.detector.boxes.append(OTHER_FACE)
    searching = asyncio.create_task(it.anew(2))
    await eventually(lambda: len(it.detector.asked) > asked + 1, "the search to be under way")
    it.detector.gate.set()
    await searching
    await looking
    await it.anew(3)
    assert set(it.faces.hints(())) == {FACE, OTHER_FACE}


async def test_only_whole_searches_say_that_a_picture_was_searched(it: Search) -> None:
    await it.anew(0)
    await it.anew(1)
    assert it.detector.searched == [Searched.FULL, Searched.CHANGES]
    assert it.faces.searched_at_us == numbered_frame(0).captured_at_us
    await it.anew(2, whole=True)
    assert it.faces.searched_at_us == numbered_frame(2).captured_at_us


@pytest.mark.parametrize(
    ("kind", "then"),
    [(ProblemKind.DEPENDENCY_UNAVAILABLE, Searched.FULL), (ProblemKind.DEPENDENCY_TIMEOUT, Searched.CHANGES)],
)
async def test_an_overview_that_a_detector_may_not_understand_is_forgotten(
    it: Search, kind: ProblemKind, then: Searched
) -> None:
    await it.anew(0)
    it.detector.error = ServiceError(kind, "refused", dependency="detector")
    with pytest.raises(ServiceError):
        await it.anew(1)
    it.detector.error = None
    await it.anew(2)
    assert it.detector.searched[-1] == then
