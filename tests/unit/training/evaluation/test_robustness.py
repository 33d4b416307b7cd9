import numpy as np
import pytest
from numpy.typing import NDArray

from training.data.fer2013 import Split
from training.evaluation.robustness import Corruption, corruptions, evaluate_robustness


@pytest.fixture
def face() -> NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (48, 48)).astype(np.uint8)


def by_name() -> dict[str, list[Corruption]]:
    kinds: dict[str, list[Corruption]] = {}
    for corruption in corruptions():
        kinds.setdefault(corruption.name, []).append(corruption)
    return kinds


@pytest.mark.parametrize("name", list(by_name()))
def test_levels_are_ordered_by_strength(name: str, face: NDArray[np.uint8]) -> None:
    changed = [corruption.apply(face, np.random.default_rng(1)) for corruption in by_name()[name]]
    assert all(image.shape == (48, 48) and image.dtype == np.uint8 for image in changed)
    distances = [float(np.abs(image.astype(int) - face).mean()) for image in changed]
    assert 0 < distances[0] < distances[1] < distances[2]


def test_all_kinds_of_corruption_are_evaluated() -> None:
    assert {"defocus blur", "noise", "low light", "low resolution"} <= by_name().keys()


def test_low_light_divides_the_brightness(face: NDArray[np.uint8]) -> None:
    half = by_name()["low light"][0].apply(face, np.random.default_rng(1))
    assert np.abs(half.astype(float) - face / 2).max() <= 0.5


def test_accuracy_is_that_of_the_corrupted_faces() -> None:
    split = Split(np.full((4, 48, 48), 200, np.uint8), np.array([1, 1, 1, 0], np.uint8))
    dark = Corruption("low light", "all", lambda image, _: np.zeros_like(image))
    same = Corruption("nothing", "at all", lambda image, _: image)

    def bright(faces: NDArray[np.float32]) -> NDArray[np.int64]:
        return np.array([int(face.mean() > 0.5) for face in faces])

    rows = list(evaluate_robustness(split, bright, [dark, same]))

    assert [(row.corruption, row.level, row.accuracy) for row in rows] == [
        ("low light", "all", 0.25),
        ("nothing", "at all", 0.75),
    ]
