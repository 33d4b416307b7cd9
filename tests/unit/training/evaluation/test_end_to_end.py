from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from services.contracts.detection import DetectedFace
from services.contracts.geometry import Box
from training.data.fer2013 import Split
from training.data.synthetic_scenes import FACES_PER_SCENE, scene_of
from training.evaluation.end_to_end import Way, whole_way

SIDE = 96


class SeesTheFirst:
    """A detector that knows where faces stand, and tells of the first few of each scene."""

    def __init__(self, split: Split, told: int, shift: int = 0) -> None:
        rng = np.random.default_rng(SIDE)
        scenes = [
            scene_of(list(split.images[start : start + FACES_PER_SCENE]), SIDE, rng)
            for start in range(0, len(split), FACES_PER_SCENE)
        ]
        self._frames = {scene.jpeg: scene.frames[:told] for scene in scenes}
        self._shift = shift

    def __call__(self, jpeg: bytes) -> Sequence[DetectedFace]:
        somewhere = Box(0, 0, 3, 3)
        frames = [Box(frame.x + self._shift, frame.y, frame.w, frame.h) for frame in self._frames[jpeg]]
        return [DetectedFace(box, 1.0, 0.5, np.full((48, 48, 1), 0.5, np.float32)) for box in [somewhere, *frames]]


@pytest.fixture
def split() -> Split:
    """Eleven faces, a scene and a part of one: happy, but for one that is sad."""
    images = np.random.default_rng(1).integers(0, 256, (11, 48, 48)).astype(np.uint8)
    return Split(images, np.array([3] * 10 + [4], np.uint8))


def always_happy(faces: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.full(len(faces), 3)


def test_what_is_found_stands_beside_the_direct_figure_of_the_same_faces(split: Split) -> None:
    direct = np.array([3, 0, 0, 0, 0, 0, 0, 0, 3, 3, 4])
    figures = whole_way(split, direct, Way(SeesTheFirst(split, told=4), always_happy), SIDE)
    # Four of the first scene, one of them right directly; all three of the second, all right directly.
    assert (figures.side_px, figures.faces) == (SIDE, 11)
    assert figures.found == pytest.approx(7 / 11)
    assert figures.accuracy == pytest.approx(6 / 7)
    assert figures.direct_accuracy == pytest.approx(4 / 7)


def test_a_box_beside_a_face_is_not_about_it(split: Split) -> None:
    figures = whole_way(split, split.labels, Way(SeesTheFirst(split, 8, shift=SIDE * 2 // 3), always_happy), SIDE)
    assert (figures.found, figures.accuracy, figures.direct_accuracy) == (0, None, None)
