import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.contracts.geometry import ImageSize, iou
from training.data.synthetic_scenes import FACES_PER_SCENE, Scene, draw_background, render_scene


def faces(count: int) -> list[NDArray[np.uint8]]:
    """Return smooth images, which JPEG hardly changes, each with its own brightness."""
    slope = np.linspace(0, 60, 48)
    return [(slope[:, np.newaxis] + slope + 15 * index).astype(np.uint8) for index in range(count)]


def scene(side: int, seed: int = 1) -> tuple[Scene, NDArray[np.uint8]]:
    made = render_scene(faces(FACES_PER_SCENE), side, np.random.default_rng(seed))
    pixels = cv2.imdecode(np.frombuffer(made.jpeg, np.uint8), cv2.IMREAD_COLOR)
    return made, np.asarray(pixels, np.uint8)


@pytest.mark.parametrize("side", [96, 144, 240, 320])
def test_each_face_is_drawn_in_its_box(side: int) -> None:
    made, pixels = scene(side)
    assert pixels.shape == (720, 1280, 3)
    gray = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    for face, box in zip(faces(FACES_PER_SCENE), made.boxes, strict=True):
        shown = gray[box.y : box.y + side, box.x : box.x + side]
        assert shown.shape == (side, side)
        expected = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC)
        difference = np.abs(shown.astype(int) - expected)
        # Each edge separately: a neighbour's border would cover a strip along one of them.
        strips = (difference[:8], difference[-8:], difference[:, :8], difference[:, -8:])
        assert all(strip.mean() < 5 for strip in (difference, *strips))


@pytest.mark.parametrize("seed", range(5))
def test_boxes_do_not_overlap(seed: int) -> None:
    boxes = scene(240, seed)[0].boxes
    assert all(iou(a, b) == 0 for index, a in enumerate(boxes) for b in boxes[:index])


def test_a_seed_determines_the_scene() -> None:
    assert scene(144)[0] == scene(144)[0]
    assert scene(144)[0].jpeg != scene(144, seed=2)[0].jpeg


def test_too_many_faces_are_rejected() -> None:
    with pytest.raises(ValueError, match="room for 8 faces, got 9"):
        render_scene(faces(9), 96, np.random.default_rng(1))


def test_backgrounds_vary() -> None:
    sample = [draw_background(ImageSize(320, 180), np.random.default_rng(seed)) for seed in range(12)]
    assert {picture.shape for picture in sample} == {(180, 320, 3)}
    assert len({float(picture.mean()) for picture in sample}) == 12
    # Gradients, texture and shapes have different roughness.
    roughness = [float(np.abs(np.diff(picture, axis=1)).mean()) for picture in sample]
    assert max(roughness) > 3 * min(roughness)
