from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.contracts.detection import Searched
from services.contracts.geometry import Box, overlap
from services.detector.cascade import HaarCascade, Hit
from services.detector.search import FaceSearch
from services.detector.two_stage import SearchParameters
from tests.support import images

PARAMETERS = SearchParameters(scale_factor=1.1, min_neighbors=5, min_face_px=48)
FACE_IN_SMILING = Box(174, 67, 101, 101)
"""In the portrait as it is stored, 512 × 512."""


@dataclass
class Finder:
    """Finds one bright square, where it is whole in the picture, as often as a cascade finds a face."""

    window_px: int = 20
    calls: list[tuple[tuple[int, ...], int, int]] = field(default_factory=list)

    def hits(self, gray: NDArray[np.uint8], scale_factor: float, smallest_px: int, largest_px: int) -> list[Hit]:
        assert scale_factor > 1
        self.calls.append((gray.shape, smallest_px, largest_px))
        ys, xs = np.nonzero(gray > 200)
        if len(xs) == 0 or not smallest_px <= np.ptp(xs) + 1 <= largest_px:
            return []
        return [Hit(Box(int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1), 1.0)] * 10


def picture(width: int = 1280, height: int = 720, box: Box | None = None) -> NDArray[np.uint8]:
    gray = np.zeros((height, width), np.uint8)
    if box:
        gray[box.y : box.y + box.h, box.x : box.x + box.w] = 255
    return gray


@pytest.fixture(scope="module")
def search() -> FaceSearch:
    return FaceSearch(HaarCascade("haarcascade_frontalface_alt2"), PARAMETERS, 1280)


def with_face(side: int, x: int, y: int, width: int = 1280, height: int = 720) -> tuple[NDArray[np.uint8], Box]:
    """Return a gray picture with a face of that side at that place, as much of the portrait around it as fits."""
    portrait = cv2.cvtColor(images.portrait(side=512), cv2.COLOR_BGR2GRAY)
    scale = side / FACE_IN_SMILING.w
    move = np.array([[scale, 0, x - scale * FACE_IN_SMILING.x], [0, scale, y - scale * FACE_IN_SMILING.y]])
    canvas = np.full((height, width), 96, np.uint8)
    cv2.warpAffine(portrait, move, (width, height), canvas, cv2.INTER_AREA, cv2.BORDER_TRANSPARENT)
    return canvas, Box(x, y, side, side)


def boxes(search: FaceSearch, gray: NDArray[np.uint8], *hints: Box) -> list[Box]:
    return [candidate.box for candidate in search.run(gray, hints)[1]]


@pytest.mark.parametrize("side", [50, 64, 80, 97, 120, 160, 240, 320, 450, 600])
def test_a_face_of_any_size_is_found(search: FaceSearch, side: int) -> None:
    gray, face = with_face(side, 400, 60)
    (found,) = boxes(search, gray)
    assert overlap(found, face) > 0.6


@pytest.mark.parametrize(("x", "y"), [(2, 300), (1128, 300), (500, 2), (500, 568), (2, 2), (1128, 568)])
def test_a_face_at_the_border_is_found(search: FaceSearch, x: int, y: int) -> None:
    gray, face = with_face(150, x, y)
    (found,) = boxes(search, gray)
    assert overlap(found, face) > 0.6


def test_a_face_below_the_smallest_size_is_left_out(search: FaceSearch) -> None:
    gray, _ = with_face(36, 400, 300)
    assert boxes(search, gray) == []


def test_several_faces_are_all_found_the_surest_first_and_the_same_each_time(search: FaceSearch) -> None:
    gray = cv2.cvtColor(images.eight_faces(), cv2.COLOR_BGR2GRAY)
    _, found = search.run(np.asarray(gray, np.uint8), [])
    assert len(found) == 8
    assert [face.weight for face in found] == sorted((face.weight for face in found), reverse=True)
    assert search.run(np.asarray(gray, np.uint8), [])[1] == found


def test_noise_and_an_empty_picture_hold_no_face(search: FaceSearch) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (720, 1280), np.uint8)
    for gray in (noise, picture()):
        assert search.run(gray, []) == (Searched.FULL, [])


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 900), (900, 1), (19, 19), (47, 47), (4000, 3)])
def test_an_image_too_small_for_a_face_holds_none(search: FaceSearch, width: int, height: int) -> None:
    assert search.run(picture(width, height), []) == (Searched.FULL, [])
    assert search.run(picture(width, height), [Box(0, 0, 50, 50)]) == (Searched.FULL, [])


def test_a_picture_that_is_all_face(search: FaceSearch) -> None:
    gray, face = with_face(100, 12, 12, 124, 124)
    (found,) = boxes(search, gray)
    assert overlap(found, face) > 0.6


@pytest.mark.parametrize("side", [50, 100, 240, 500])
def test_a_hint_gives_the_face_where_it_has_moved(search: FaceSearch, side: int) -> None:
    gray, face = with_face(side, 400, 100)
    moved = Box(face.x + side // 5, face.y - side // 6, round(side * 1.1), round(side * 1.1))
    searched, found = search.run(gray, [moved])
    assert searched == Searched.HINTS
    assert overlap(found[0].box, face) > 0.6
    assert overlap(found[0].box, boxes(search, gray)[0]) > 0.8


def test_a_hint_partly_outside_gives_its_face(search: FaceSearch) -> None:
    gray, face = with_face(150, 2, 2)
    searched, found = search.run(gray, [Box(-30, -30, 160, 160)])
    assert searched == Searched.HINTS
    assert overlap(found[0].box, face) > 0.6


@pytest.mark.parametrize(
    "wrong",
    [
        Box(900, 500, 80, 80),
        Box(5000, 5000, 10, 10),
        Box(-500, 0, 100, 100),
        Box(0, 0, 1, 1),
        Box(0, 0, 999_999, 999_999),
        Box(-999_999, -999_999, 999_999, 999_999),
        Box(300, 200, 1, 999_999),
        Box(300, 200, 999_999, 1),
    ],
)
def test_a_hint_that_yields_nothing_triggers_a_full_search(search: FaceSearch, wrong: Box) -> None:
    gray, face = with_face(100, 300, 200)
    for hints in ([wrong], [face, wrong]):
        searched, found = search.run(gray, hints)
        assert searched == Searched.FULL
        assert [candidate.box for candidate in found] == boxes(search, gray)


def test_a_caller_may_want_the_surroundings_of_its_hints_only() -> None:
    face, wrong = Box(300, 200, 100, 100), Box(900, 500, 80, 80)
    search = FaceSearch(Finder(), PARAMETERS, 1280)
    searched, found = search.run(picture(box=face), [face, wrong], elsewhere=False)
    assert searched == Searched.HINTS
    assert len(found) == 1
    assert overlap(found[0].box, face) > 0.9
    assert search.run(picture(box=face), [wrong], elsewhere=False) == (Searched.HINTS, [])
    assert search.run(picture(box=face), [], elsewhere=False)[0] == Searched.FULL


def test_two_hints_at_one_face_give_it_once(search: FaceSearch) -> None:
    gray, face = with_face(100, 300, 200)
    searched, found = search.run(gray, [face, face])
    assert (searched, len(found)) == (Searched.HINTS, 1)


def test_with_a_hint_only_its_surroundings_are_searched() -> None:
    face = Box(300, 200, 100, 100)
    FaceSearch(finder := Finder(), PARAMETERS, 1280).run(picture(box=face), [Box(310, 195, 100, 100)])
    ((shape, smallest, largest),) = finder.calls
    assert max(shape) < 95
    assert (smallest, largest) == (40, 61)


def test_what_only_one_side_of_the_mirror_shows_needs_as_many_hits_as_both() -> None:
    @dataclass
    class OneSided:
        hits_each: int
        window_px: int = 20

        def hits(self, gray: NDArray[np.uint8], scale_factor: float, smallest_px: int, largest_px: int) -> list[Hit]:
            assert scale_factor > 1
            ys, xs = np.nonzero(gray > 200)
            if len(xs) == 0 or not smallest_px <= np.ptp(xs) + 1 <= largest_px or gray[:, -1].max() > 200:
                return []
            return [Hit(Box(int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1), 1.0)] * (
                self.hits_each
            )

    at_left = picture(box=Box(0, 200, 100, 100))
    for hits_each, count in ((9, 0), (10, 1)):
        _, found = FaceSearch(OneSided(hits_each), PARAMETERS, 1280).run(at_left, [Box(0, 200, 100, 100)])
        assert len(found) == count


def test_in_a_large_image_the_smallest_face_grows_with_it() -> None:
    for side, count in ((90, 0), (200, 1)):
        face = Box(1200, 800, side, side)
        _, found = FaceSearch(Finder(), PARAMETERS, 640).run(picture(2560, 1440, face), [])
        assert len(found) == count
        assert all(overlap(candidate.box, face) > 0.9 for candidate in found)


def test_after_a_first_picture_only_what_has_changed_is_searched(search: FaceSearch) -> None:
    empty, (gray, face) = np.full((720, 1280), 96, np.uint8), with_face(120, 500, 300)
    searched, found, seen = search.run_since(empty, None)
    assert (searched, found) == (Searched.FULL, [])
    searched, found, seen = search.run_since(gray, seen)
    assert searched == Searched.CHANGES
    assert overlap(found[0].box, face) > 0.6
    assert overlap(found[0].box, boxes(search, gray)[0]) > 0.8
    searched, found, _ = search.run_since(gray, seen)
    assert (searched, found) == (Searched.CHANGES, [])


def test_where_most_has_changed_all_is_searched(search: FaceSearch) -> None:
    other = np.asarray(np.random.default_rng(4).integers(0, 256, (9, 16)), np.uint8)
    before = np.asarray(cv2.resize(other, (1280, 720), interpolation=cv2.INTER_NEAREST), np.uint8)
    gray, face = with_face(120, 500, 300)
    _, _, seen = search.run_since(before, None)
    searched, found, seen = search.run_since(gray, seen)
    assert searched == Searched.FULL
    assert overlap(found[0].box, face) > 0.6
    assert search.run_since(gray, seen)[:2] == (Searched.CHANGES, [])


def test_a_second_face_is_found_beside_one_that_is_followed(search: FaceSearch) -> None:
    one, face = with_face(120, 200, 300)
    two, newcomer = with_face(120, 900, 300)
    both = one.copy()
    both[:, 640:] = two[:, 640:]
    _, _, seen = search.run_since(one, None)
    searched, found, _ = search.run_since(both, seen, [face])
    assert searched == Searched.CHANGES
    assert [overlap(candidate.box, newcomer) > 0.6 for candidate in found] == [True]
