import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.contracts.geometry import ImageSize, overlap
from training.data.synthetic_scenes import FACES_PER_SCENE, Scene, background, scene_of


def faces(count: int) -> list[NDArray[np.uint8]]:
    """Smooth, so that JPEG leaves them nearly as they are; each with a tone of its own."""
    slope = np.linspace(0, 60, 48)
    return [(slope[:, np.newaxis] + slope + 15 * index).astype(np.uint8) for index in range(count)]


def scene(side: int, seed: int = 1) -> tuple[Scene, NDArray[np.uint8]]:
    made = scene_of(faces(FACES_PER_SCENE), side, np.random.default_rng(seed))
    pixels = cv2.imdecode(np.frombuffer(made.jpeg, np.uint8), cv2.IMREAD_COLOR)
    return made, np.asarray(pixels, np.uint8)


@pytest.mark.parametrize("side", [96, 144, 240, 320])
def test_each_face_stands_where_its_frame_says(side: int) -> None:
    made, pixels = scene(side)
    assert pixels.shape == (720, 1280, 3)
    gray = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    for face, frame in zip(faces(FACES_PER_SCENE), made.frames, strict=True):
        shown = gray[frame.y : frame.y + side, frame.x : frame.x + side]
        assert shown.shape == (side, side)
        expected = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC)
        difference = np.abs(shown.astype(int) - expected)
        # Each edge by itself: what a neighbour's fading margin covers is a strip along one of them.
        strips = (difference[:8], difference[-8:], difference[:, :8], difference[:, -8:])
        assert all(strip.mean() < 5 for strip in (difference, *strips))


@pytest.mark.parametrize("seed", range(5))
def test_faces_do_not_overlap(seed: int) -> None:
    frames = scene(240, seed)[0].frames
    assert all(overlap(a, b) == 0 for index, a in enumerate(frames) for b in frames[:index])


def test_the_same_chance_makes_the_same_scene() -> None:
    assert scene(144)[0] == scene(144)[0]
    assert scene(144)[0].jpeg != scene(144, seed=2)[0].jpeg


def test_a_scene_takes_no_more_faces_than_it_has_room_for() -> None:
    with pytest.raises(ValueError, match="room for 8 faces, got 9"):
        scene_of(faces(9), 96, np.random.default_rng(1))


def test_backgrounds_vary() -> None:
    drawn = [background(ImageSize(320, 180), np.random.default_rng(seed)) for seed in range(12)]
    assert {picture.shape for picture in drawn} == {(180, 320, 3)}
    assert len({float(picture.mean()) for picture in drawn}) == 12
    # Smooth light, texture and shapes differ in how much neighbouring pixels differ.
    roughness = [float(np.abs(np.diff(picture, axis=1)).mean()) for picture in drawn]
    assert max(roughness) > 3 * min(roughness)
