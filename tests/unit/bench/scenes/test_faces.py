from collections import Counter
from itertools import islice

import cv2
import numpy as np
import pytest

from bench.scenes.faces import (
    HEIGHT,
    SCENE_KINDS,
    WIDTH,
    Scene,
    cluttered_background,
    dimmed,
    draw,
    lit_from_one_side,
    motion_blurred,
    noisy,
    read_portraits,
    scenes,
    shuffled,
    smooth_background,
)
from services.contracts.geometry import Box, iou


@pytest.fixture(scope="module")
def made() -> list[Scene]:
    return list(scenes(each=1, seed=3))


def chance(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_number_of_scenes_of_each_kind(made: list[Scene]) -> None:
    assert Counter(scene.kind for scene in made) == dict.fromkeys(SCENE_KINDS, 1)
    assert [scene.kind for scene in islice(scenes(2, 3), 3)] == ["small", "small", "medium"]


def test_scene_has_the_faces_of_its_kind(made: list[Scene]) -> None:
    for scene in made:
        recipe = SCENE_KINDS[scene.kind]
        pixels = cv2.imdecode(np.frombuffer(scene.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None
        assert pixels.shape == (HEIGHT, WIDTH, 3)
        assert len(scene.faces) == recipe.faces
        for face in scene.faces:
            assert recipe.sides_px[0] - 1 <= face.w == face.h <= recipe.sides_px[1] + 1
            assert face.x >= 0
            assert face.y >= 0
            assert face.x + face.w <= WIDTH
            assert face.y + face.h <= HEIGHT


def test_faces_do_not_overlap(made: list[Scene]) -> None:
    for scene in made:
        faces = scene.faces
        assert all(iou(a, b) == 0 for index, a in enumerate(faces) for b in faces[:index])


def test_scenes_depend_on_the_seed() -> None:
    first, again, other = ([scene.jpeg for scene in islice(scenes(1, seed), 4)] for seed in (5, 5, 6))
    assert first == again
    assert set(first).isdisjoint(other)


def test_shuffled_scenes_are_the_same_in_another_order(made: list[Scene]) -> None:
    mixed = shuffled(1, 3)
    assert sorted(scene.jpeg for scene in mixed) == sorted(scene.jpeg for scene in made)
    assert [scene.kind for scene in mixed] != [scene.kind for scene in made]


@pytest.mark.parametrize("degrees", [0.0, 10.0])
def test_portrait_is_drawn_around_its_face_only(degrees: float) -> None:
    face = Box(600, 300, 80, 80)
    for portrait in read_portraits().values():
        canvas = np.full((HEIGHT, WIDTH, 3), 255, np.float32)
        draw(canvas, portrait, face, degrees)
        rows, columns = np.nonzero((canvas != 255).any(axis=2))
        assert 500 < columns.min() < 600
        assert 680 < columns.max() < 780
        assert 200 < rows.min() < 300
        assert 380 < rows.max() < 480


def test_face_fills_its_box() -> None:
    for portrait in read_portraits().values():
        inside = portrait.face
        canvas = np.zeros((HEIGHT, WIDTH, 3), np.float32)
        draw(canvas, portrait, Box(400, 300, inside.w, inside.h), 0)
        drawn = canvas[300 : 300 + inside.h, 400 : 400 + inside.w]
        expected = portrait.pixels[inside.y : inside.y + inside.h, inside.x : inside.x + inside.w]
        assert np.abs(drawn - expected).mean() < 1


def test_clutter_has_more_detail_than_soft_shades() -> None:
    def detail(background: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
        return float(np.abs(np.diff(background, axis=1)).mean())

    assert detail(cluttered_background(chance())) > 2 * detail(smooth_background(chance()))
    assert detail(cluttered_background(chance(), shapes=10)) < detail(cluttered_background(chance(), shapes=120))


def test_distortions() -> None:
    scene = cluttered_background(chance())
    assert dimmed(scene, chance()).mean() < 0.5 * scene.mean()
    assert noisy(scene, chance()).std() > scene.std()
    halves = np.split(lit_from_one_side(np.full_like(scene, 100), chance()), 2, axis=1)
    assert abs(halves[0].mean() - halves[1].mean()) > 20
    assert np.abs(np.diff(motion_blurred(scene, chance()), axis=1)).mean() < np.abs(np.diff(scene, axis=1)).mean()
