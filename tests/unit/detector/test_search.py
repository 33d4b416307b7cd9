from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.contracts.detection import Searched
from services.contracts.geometry import Box
from services.detector.cascade import Candidate, HaarCascade, SearchParameters
from services.detector.images import decode_gray
from services.detector.search import FaceSearch, distinct, overlap
from tests import pictures

PARAMETERS = SearchParameters(scale_factor=1.1, min_neighbors=5, min_face_px=48)


@dataclass
class Finder:
    """Finds one bright square, where it is whole in the picture."""

    calls: list[tuple[tuple[int, ...], SearchParameters]] = field(default_factory=list)

    def find(self, gray: NDArray[np.uint8], parameters: SearchParameters) -> list[Candidate]:
        self.calls.append((gray.shape, parameters))
        ys, xs = np.nonzero(gray > 200)
        if len(xs) == 0:
            return []
        return [Candidate(Box(int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1), 1.0)]


def picture(width: int = 1280, height: int = 720, box: Box | None = None) -> NDArray[np.uint8]:
    gray = np.zeros((height, width), np.uint8)
    if box:
        gray[box.y : box.y + box.h, box.x : box.x + box.w] = 255
    return gray


def test_without_hints_everything_is_searched() -> None:
    face = Box(300, 200, 100, 100)
    searched, found = FaceSearch(finder := Finder(), PARAMETERS, 1280).run(picture(box=face), [])
    assert (searched, [candidate.box for candidate in found]) == (Searched.FULL, [face])
    assert finder.calls[0][0] == (720, 1280)


def test_with_a_hint_only_its_surroundings_are_searched() -> None:
    face = Box(300, 200, 100, 100)
    searched, found = FaceSearch(finder := Finder(), PARAMETERS, 1280).run(picture(box=face), [Box(310, 195, 100, 100)])
    assert (searched, [candidate.box for candidate in found]) == (Searched.HINTS, [face])
    (shape, parameters) = finder.calls[0]
    assert shape == (200, 200)
    assert (parameters.min_face_px, parameters.max_face_px) == (70, 140)


def test_a_hint_that_yields_nothing_triggers_a_full_search() -> None:
    face = Box(300, 200, 100, 100)
    for wrong in (Box(900, 500, 80, 80), Box(5000, 5000, 10, 10), Box(-500, 0, 100, 100)):
        searched, found = FaceSearch(Finder(), PARAMETERS, 1280).run(picture(box=face), [face, wrong])
        assert (searched, [candidate.box for candidate in found]) == (Searched.FULL, [face])


def test_a_caller_may_want_the_surroundings_of_its_hints_only() -> None:
    face, wrong = Box(300, 200, 100, 100), Box(900, 500, 80, 80)
    search = FaceSearch(Finder(), PARAMETERS, 1280)
    searched, found = search.run(picture(box=face), [face, wrong], elsewhere=False)
    assert (searched, [candidate.box for candidate in found]) == (Searched.HINTS, [face])
    assert search.run(picture(box=face), [wrong], elsewhere=False) == (Searched.HINTS, [])
    assert search.run(picture(box=face), [], elsewhere=False)[0] == Searched.FULL


def test_two_hints_at_one_face_give_it_once() -> None:
    face = Box(300, 200, 100, 100)
    searched, found = FaceSearch(Finder(), PARAMETERS, 1280).run(picture(box=face), [face, face])
    assert (searched, len(found)) == (Searched.HINTS, 1)


def test_a_large_image_is_searched_small_and_its_boxes_are_scaled_back() -> None:
    face = Box(1200, 800, 400, 400)
    _, found = FaceSearch(finder := Finder(), PARAMETERS, 640).run(picture(2560, 1440, face), [])
    assert finder.calls[0][0] == (360, 640)
    assert overlap(found[0].box, face) > 0.95


def test_a_one_pixel_image_holds_no_face() -> None:
    search = FaceSearch(HaarCascade("haarcascade_frontalface_alt2"), PARAMETERS, 1280)
    assert search.run(np.zeros((1, 1), np.uint8), []) == (Searched.FULL, [])
    assert search.run(np.zeros((1, 1), np.uint8), [Box(0, 0, 50, 50)]) == (Searched.FULL, [])


def test_a_real_face_is_found_with_and_without_a_hint() -> None:
    search = FaceSearch(HaarCascade("haarcascade_frontalface_alt2"), PARAMETERS, 1280)
    gray = decode_gray(pictures.encode(pictures.one_face()), 10**7)
    _, full = search.run(gray, [])
    searched, hinted = search.run(gray, [full[0].box])
    assert len(full) == 1
    assert searched == Searched.HINTS
    assert overlap(full[0].box, hinted[0].box) > 0.7
    assert full[0].weight > 0


def test_the_surest_comes_first_and_hides_what_it_overlaps() -> None:
    weak, sure, apart = (
        Candidate(Box(0, 0, 100, 100), 1.0),
        Candidate(Box(10, 10, 100, 100), 9.0),
        Candidate(Box(300, 0, 50, 50), 5.0),
    )
    assert distinct([weak, apart, sure]) == [sure, apart]


def test_overlap() -> None:
    assert overlap(Box(0, 0, 10, 10), Box(0, 0, 10, 10)) == 1
    assert overlap(Box(0, 0, 10, 10), Box(5, 0, 10, 10)) == 50 / 150
    assert overlap(Box(0, 0, 10, 10), Box(10, 0, 10, 10)) == 0
