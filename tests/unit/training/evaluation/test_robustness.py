import numpy as np
import pytest
from numpy.typing import NDArray

from training.data.fer2013 import Split
from training.evaluation.robustness import Change, changes, robustness


@pytest.fixture
def face() -> NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (48, 48)).astype(np.uint8)


def by_name() -> dict[str, list[Change]]:
    kinds: dict[str, list[Change]] = {}
    for change in changes():
        kinds.setdefault(change.name, []).append(change)
    return kinds


@pytest.mark.parametrize("name", list(by_name()))
def test_each_level_changes_a_face_more(name: str, face: NDArray[np.uint8]) -> None:
    changed = [change.apply(face, np.random.default_rng(1)) for change in by_name()[name]]
    assert all(image.shape == (48, 48) and image.dtype == np.uint8 for image in changed)
    distances = [float(np.abs(image.astype(int) - face).mean()) for image in changed]
    assert 0 < distances[0] < distances[1] < distances[2]


def test_what_is_asked_for_is_there() -> None:
    assert {"out of focus", "noise", "darkness", "small face"} <= by_name().keys()


def test_darkness_takes_light_away(face: NDArray[np.uint8]) -> None:
    half = by_name()["darkness"][0].apply(face, np.random.default_rng(1))
    assert np.abs(half.astype(float) - face / 2).max() <= 0.5


def test_accuracy_is_of_the_changed_faces() -> None:
    split = Split(np.full((4, 48, 48), 200, np.uint8), np.array([1, 1, 1, 0], np.uint8))
    dark = Change("darkness", "all", lambda image, _: np.zeros_like(image))
    same = Change("nothing", "at all", lambda image, _: image)

    def bright(faces: NDArray[np.float32]) -> NDArray[np.int64]:
        return np.array([int(face.mean() > 0.5) for face in faces])

    rows = list(robustness(split, bright, [dark, same]))

    assert [(row.change, row.level, row.accuracy) for row in rows] == [
        ("darkness", "all", 0.25),
        ("nothing", "at all", 0.75),
    ]
