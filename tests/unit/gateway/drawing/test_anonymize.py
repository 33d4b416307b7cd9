from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.contracts.geometry import Box
from services.gateway.drawing.annotate import draw
from services.gateway.drawing.anonymize import CELLS, MARGIN
from tests.support.images import SERIOUS, SMILING, Pixels, decode, portrait, scene
from tests.unit.gateway.drawing.samples import difference, jpeg, noise, outside

BOX = Box(480, 200, 160, 160)


def cut(image: Pixels, box: Box) -> Pixels:
    return image[max(0, box.y) : box.y + box.h, max(0, box.x) : box.x + box.w]


def detail(image: Pixels, cells: int) -> NDArray[np.float64]:
    """Return what is left of a picture's brightness without its averages over so many cells a side."""
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float64)
    coarse = cv2.resize(gray, (cells, cells), interpolation=cv2.INTER_AREA)
    return np.asarray(gray - cv2.resize(coarse, gray.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float64)


@pytest.mark.parametrize("picture", [SMILING, SERIOUS])
def test_no_detail_of_a_face_is_left(picture: Path) -> None:
    image = scene((portrait(picture), 400, 150))
    before = decode(jpeg(image))
    after = decode(draw(jpeg(image), None, [BOX], 95))
    fine_before, fine_after = detail(cut(before, BOX), 8), detail(cut(after, BOX), 8)
    assert fine_after.std() < 0.15 * fine_before.std()
    assert abs(np.corrcoef(fine_before.ravel(), fine_after.ravel())[0, 1]) < 0.3


def test_what_is_written_depends_on_a_few_averages_only() -> None:
    """Two pictures with other details and the same averages come out the same: nothing brings the details back."""
    area = round(BOX.w * MARGIN) * 2 + BOX.w
    cell = area // CELLS
    box = Box(300, 200, BOX.w, BOX.h)
    left, top = box.x - round(box.w * MARGIN), box.y - round(box.h * MARGIN)
    detailed = np.full((720, 1280, 3), 128, np.uint8)
    for row in range(CELLS):
        for column in range(CELLS):
            y, x = top + row * cell, left + column * cell
            detailed[y + 4 : y + cell // 2, x + 4 : x + cell - 4] = 200
            detailed[y + cell // 2 : y + cell - 4, x + 4 : x + cell - 4] = 56
    flat = np.full_like(detailed, 128)
    hidden, nothing = (decode(draw(jpeg(image), None, [box], 95)) for image in (detailed, flat))
    assert difference(decode(jpeg(detailed)), flat).max() > 60
    assert difference(hidden, nothing).max() < 8


def test_pixels_outside_stay() -> None:
    image = noise(1280, 720)
    before, after = decode(jpeg(image)), decode(draw(jpeg(image), None, [BOX], 95))
    apart = difference(before, after)
    assert apart[outside(image, BOX, MARGIN)].mean() < 3
    assert apart[BOX.y : BOX.y + BOX.h, BOX.x : BOX.x + BOX.w].mean() > 20


@pytest.mark.parametrize(
    "box",
    [
        Box(-80, -80, 160, 160),
        Box(1200, 640, 160, 160),
        Box(-150, 300, 160, 160),
        Box(600, 700, 160, 160),
        Box(-100, -100, 1600, 1000),
    ],
)
def test_a_box_over_the_border_is_hidden_up_to_it(box: Box) -> None:
    image = noise(1280, 720)
    before, after = decode(jpeg(image)), decode(draw(jpeg(image), None, [box], 95))
    assert after.shape == before.shape
    inside = cut(after, box)
    assert inside.size > 0
    assert cv2.Laplacian(inside, cv2.CV_64F).var() < 0.02 * cv2.Laplacian(cut(before, box), cv2.CV_64F).var()
    kept = outside(image, box, MARGIN)
    assert not kept.any() or difference(before, after)[kept].mean() < 3


@pytest.mark.parametrize("box", [Box(5000, 10, 100, 100), Box(-500, -500, 100, 100), Box(10, 10, 0, 0)])
def test_a_box_beside_the_picture_hides_nothing(box: Box) -> None:
    image = noise(320, 240)
    assert difference(decode(jpeg(image)), decode(draw(jpeg(image), None, [box], 95))).mean() < 3


def test_a_sliver_of_a_face_at_the_border_shows_no_finer_cells() -> None:
    image = noise(320, 240)
    sliver = decode(draw(jpeg(image), None, [Box(-190, 20, 200, 200)], 95))[40:200, :10]
    assert np.abs(np.diff(sliver.astype(np.float64), axis=0)).max() < 12


def test_every_face_is_hidden() -> None:
    image = noise(1280, 720)
    boxes = [Box(100, 100, 120, 120), Box(150, 140, 120, 120), Box(900, 400, 60, 60)]
    after = decode(draw(jpeg(image), None, boxes, 95))
    for box in boxes:
        assert cv2.Laplacian(cut(after, box), cv2.CV_64F).var() < 100
