from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from services.contracts.detection import DetectedFace
from services.contracts.geometry import Box
from training.data.fer2013 import Split
from training.data.synthetic_scenes import FACES_PER_SCENE, render_scene
from training.evaluation.end_to_end import Pipeline, evaluate_end_to_end

SIDE = 96


class DetectsFirstFaces:
    """A detector that knows the boxes, and returns the first few of each scene."""

    def __init__(self, split: Split, detected: int, shift: int = 0) -> None:
        rng = np.random.default_rng(SIDE)
        scenes = [
            render_scene(list(split.images[start : start + FACES_PER_SCENE]), SIDE, rng)
            for start in range(0, len(split), FACES_PER_SCENE)
        ]
        self._boxes = {scene.jpeg: scene.boxes[:detected] for scene in scenes}
        self._shift = shift

    def __call__(self, jpeg: bytes) -> Sequence[DetectedFace]:
        somewhere = Box(0, 0, 3, 3)
        boxes = [Box(box.x + self._shift, box.y, box.w, box.h) for box in self._boxes[jpeg]]
        return [DetectedFace(box, 1.0, 0.5, bytes([128]) * 48 * 48) for box in [somewhere, *boxes]]


@pytest.fixture
def split() -> Split:
    """Eleven faces, a scene and a part of one: happy, but for one that is sad."""
    images = np.random.default_rng(1).integers(0, 256, (11, 48, 48)).astype(np.uint8)
    return Split(images, np.array([3] * 10 + [4], np.uint8))


def always_happy(faces: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.full(len(faces), 3)


def test_accuracy_and_direct_accuracy_are_of_the_detected_faces(split: Split) -> None:
    direct = np.array([3, 0, 0, 0, 0, 0, 0, 0, 3, 3, 4])
    result = evaluate_end_to_end(split, direct, Pipeline(DetectsFirstFaces(split, detected=4), always_happy), SIDE)
    # Four of the first scene, one of them correct directly; all three of the second, all correct directly.
    assert (result.side_px, result.faces) == (SIDE, 11)
    assert result.detected == pytest.approx(7 / 11)
    assert result.accuracy == pytest.approx(6 / 7)
    assert result.direct_accuracy == pytest.approx(4 / 7)


def test_a_box_beside_a_face_is_not_matched(split: Split) -> None:
    result = evaluate_end_to_end(
        split, split.labels, Pipeline(DetectsFirstFaces(split, 8, shift=SIDE * 2 // 3), always_happy), SIDE
    )
    assert (result.detected, result.accuracy, result.direct_accuracy) == (0, None, None)
