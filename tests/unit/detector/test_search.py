from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.contracts.detection import SearchScope
from services.contracts.geometry import Box, iou
from services.detector.cascade import HaarCascade, RawDetection
from services.detector.search import FaceDetector
from services.detector.two_stage import SearchParameters
from tests.support import images

PARAMETERS = SearchParameters(scale_factor=1.1, min_neighbors=5, min_face_px=48)
FACE_IN_SMILING = Box(174, 67, 101, 101)
"""In the portrait as it is stored, 512 × 512."""


@dataclass
class FakeCascade:
    """Finds one bright square, where it is whole in the picture, as often as a cascade finds a face."""

    window_px: int = 20
    calls: list[tuple[tuple[int, ...], int, int]] = field(default_factory=list)

    def detect_raw(self, gray: NDArray[np.uint8], scale_factor: float, min_px: int, max_px: int) -> list[RawDetection]:
        assert scale_factor > 1
        self.calls.append((gray.shape, min_px, max_px))
        ys, xs = np.nonzero(gray > 200)
        if len(xs) == 0 or not min_px <= np.ptp(xs) + 1 <= max_px:
            return []
        return [RawDetection(Box(int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1), 1.0)] * 10


def picture(width: int = 1280, height: int = 720, box: Box | None = None) -> NDArray[np.uint8]:
    gray = np.zeros((height, width), np.uint8)
    if box:
        gray[box.y : box.y + box.h, box.x : box.x + box.w] = 255
    return gray


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(HaarCascade("haarcascade_frontalface_alt2"), PARAMETERS, 1280)


def with_face(side: int, x: int, y: int, width: int = 1280, height: int = 720) -> tuple[NDArray[np.uint8], Box]:
    """Return a gray picture with a face of that side at that place, as much of the portrait around it as fits."""
    portrait = cv2.cvtColor(images.portrait(side=512), cv2.COLOR_BGR2GRAY)
    scale = side / FACE_IN_SMILING.w
    move = np.array([[scale, 0, x - scale * FACE_IN_SMILING.x], [0, scale, y - scale * FACE_IN_SMILING.y]])
    canvas = np.full((height, width), 96, np.uint8)
    cv2.warpAffine(portrait, move, (width, height), canvas, cv2.INTER_AREA, cv2.BORDER_TRANSPARENT)
    return canvas, Box(x, y, side, side)


def boxes(detector: FaceDetector, gray: NDArray[np.uint8], *rois: Box) -> list[Box]:
    return [candidate.box for candidate in detector.detect(gray, rois)[1]]


@pytest.mark.parametrize("side", [50, 64, 80, 97, 120, 160, 240, 320, 450, 600])
def test_a_face_of_any_size_is_found(detector: FaceDetector, side: int) -> None:
    gray, face = with_face(side, 400, 60)
    (found,) = boxes(detector, gray)
    assert iou(found, face) > 0.6


@pytest.mark.parametrize(("x", "y"), [(2, 300), (1128, 300), (500, 2), (500, 568), (2, 2), (1128, 568)])
def test_a_face_at_the_border_is_found(detector: FaceDetector, x: int, y: int) -> None:
    gray, face = with_face(150, x, y)
    (found,) = boxes(detector, gray)
    assert iou(found, face) > 0.6


def test_a_face_below_the_smallest_size_is_left_out(detector: FaceDetector) -> None:
    gray, _ = with_face(36, 400, 300)
    assert boxes(detector, gray) == []


def test_several_faces_are_all_found_the_surest_first_and_the_same_each_time(detector: FaceDetector) -> None:
    gray = cv2.cvtColor(images.eight_faces(), cv2.COLOR_BGR2GRAY)
    _, found = detector.detect(np.asarray(gray, np.uint8), [])
    assert len(found) == 8
    assert [face.weight for face in found] == sorted((face.weight for face in found), reverse=True)
    assert detector.detect(np.asarray(gray, np.uint8), [])[1] == found


def test_noise_and_an_empty_picture_hold_no_face(detector: FaceDetector) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (720, 1280), np.uint8)
    for gray in (noise, picture()):
        assert detector.detect(gray, []) == (SearchScope.FULL, [])


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 900), (900, 1), (19, 19), (47, 47), (4000, 3)])
def test_an_image_too_small_for_a_face_holds_none(detector: FaceDetector, width: int, height: int) -> None:
    assert detector.detect(picture(width, height), []) == (SearchScope.FULL, [])
    assert detector.detect(picture(width, height), [Box(0, 0, 50, 50)]) == (SearchScope.FULL, [])


def test_a_picture_that_is_all_face(detector: FaceDetector) -> None:
    gray, face = with_face(100, 12, 12, 124, 124)
    (found,) = boxes(detector, gray)
    assert iou(found, face) > 0.6


@pytest.mark.parametrize("side", [50, 100, 240, 500])
def test_a_roi_gives_the_face_where_it_has_moved(detector: FaceDetector, side: int) -> None:
    gray, face = with_face(side, 400, 100)
    moved = Box(face.x + side // 5, face.y - side // 6, round(side * 1.1), round(side * 1.1))
    scope, found = detector.detect(gray, [moved])
    assert scope == SearchScope.ROI
    assert iou(found[0].box, face) > 0.6
    assert iou(found[0].box, boxes(detector, gray)[0]) > 0.8


def test_a_roi_partly_outside_gives_its_face(detector: FaceDetector) -> None:
    gray, face = with_face(150, 2, 2)
    scope, found = detector.detect(gray, [Box(-30, -30, 160, 160)])
    assert scope == SearchScope.ROI
    assert iou(found[0].box, face) > 0.6


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
def test_a_roi_that_yields_nothing_triggers_a_full_search(detector: FaceDetector, wrong: Box) -> None:
    gray, face = with_face(100, 300, 200)
    for rois in ([wrong], [face, wrong]):
        scope, found = detector.detect(gray, rois)
        assert scope == SearchScope.FULL
        assert [candidate.box for candidate in found] == boxes(detector, gray)


def test_a_caller_may_want_the_surroundings_of_its_rois_only() -> None:
    face, wrong = Box(300, 200, 100, 100), Box(900, 500, 80, 80)
    detector = FaceDetector(FakeCascade(), PARAMETERS, 1280)
    scope, found = detector.detect(picture(box=face), [face, wrong], fallback_full=False)
    assert scope == SearchScope.ROI
    assert len(found) == 1
    assert iou(found[0].box, face) > 0.9
    assert detector.detect(picture(box=face), [wrong], fallback_full=False) == (SearchScope.ROI, [])
    assert detector.detect(picture(box=face), [], fallback_full=False)[0] == SearchScope.FULL


def test_two_rois_at_one_face_give_it_once(detector: FaceDetector) -> None:
    gray, face = with_face(100, 300, 200)
    scope, found = detector.detect(gray, [face, face])
    assert (scope, len(found)) == (SearchScope.ROI, 1)


def test_with_a_roi_only_its_surroundings_are_searched() -> None:
    face = Box(300, 200, 100, 100)
    FaceDetector(cascade := FakeCascade(), PARAMETERS, 1280).detect(picture(box=face), [Box(310, 195, 100, 100)])
    ((shape, smallest, largest),) = cascade.calls
    assert max(shape) < 95
    assert (smallest, largest) == (40, 61)


def test_what_only_one_side_of_the_mirror_shows_needs_as_many_hits_as_both() -> None:
    @dataclass
    class OneSided:
        hits_each: int
        window_px: int = 20

        def detect_raw(
            self, gray: NDArray[np.uint8], scale_factor: float, min_px: int, max_px: int
        ) -> list[RawDetection]:
            assert scale_factor > 1
            ys, xs = np.nonzero(gray > 200)
            if len(xs) == 0 or not min_px <= np.ptp(xs) + 1 <= max_px or gray[:, -1].max() > 200:
                return []
            return [RawDetection(Box(int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1), 1.0)] * (
                self.hits_each
            )

    at_left = picture(box=Box(0, 200, 100, 100))
    for hits_each, count in ((9, 0), (10, 1)):
        _, found = FaceDetector(OneSided(hits_each), PARAMETERS, 1280).detect(at_left, [Box(0, 200, 100, 100)])
        assert len(found) == count


def test_in_a_large_image_the_smallest_face_grows_with_it() -> None:
    for side, count in ((90, 0), (200, 1)):
        face = Box(1200, 800, side, side)
        _, found = FaceDetector(FakeCascade(), PARAMETERS, 640).detect(picture(2560, 1440, face), [])
        assert len(found) == count
        assert all(iou(candidate.box, face) > 0.9 for candidate in found)


def test_after_a_first_picture_only_what_has_changed_is_searched(detector: FaceDetector) -> None:
    empty, (gray, face) = np.full((720, 1280), 96, np.uint8), with_face(120, 500, 300)
    scope, found, seen = detector.detect_changed(empty, None)
    assert (scope, found) == (SearchScope.FULL, [])
    scope, found, seen = detector.detect_changed(gray, seen)
    assert scope == SearchScope.CHANGED
    assert iou(found[0].box, face) > 0.6
    assert iou(found[0].box, boxes(detector, gray)[0]) > 0.8
    scope, found, _ = detector.detect_changed(gray, seen)
    assert (scope, found) == (SearchScope.CHANGED, [])


def test_where_most_has_changed_all_is_searched(detector: FaceDetector) -> None:
    other = np.asarray(np.random.default_rng(4).integers(0, 256, (9, 16)), np.uint8)
    before = np.asarray(cv2.resize(other, (1280, 720), interpolation=cv2.INTER_NEAREST), np.uint8)
    gray, face = with_face(120, 500, 300)
    _, _, seen = detector.detect_changed(before, None)
    scope, found, seen = detector.detect_changed(gray, seen)
    assert scope == SearchScope.FULL
    assert iou(found[0].box, face) > 0.6
    assert detector.detect_changed(gray, seen)[:2] == (SearchScope.CHANGED, [])


def test_a_second_face_is_found_beside_one_that_is_followed(detector: FaceDetector) -> None:
    one, face = with_face(120, 200, 300)
    two, newcomer = with_face(120, 900, 300)
    both = one.copy()
    both[:, 640:] = two[:, 640:]
    _, _, seen = detector.detect_changed(one, None)
    scope, found, _ = detector.detect_changed(both, seen, [face])
    assert scope == SearchScope.CHANGED
    assert [iou(candidate.box, newcomer) > 0.6 for candidate in found] == [True]
