from pathlib import Path

import keras
import numpy as np
import pytest

from training.models.distillation import Ensemble, SoftTargetCache
from training.run_dir import RunError

FACES = np.random.default_rng(1).random((3, 48, 48, 1), np.float32)


def left_half(answer: int) -> keras.Model:
    """Return a network whose probability of one class rises with the brightness of the left half of a face."""
    face = keras.Input((48, 48, 1))
    brightness = keras.layers.GlobalAveragePooling2D()(keras.layers.Cropping2D(((0, 0), (0, 24)))(face))
    cache = keras.layers.Dense(7, activation="softmax", use_bias=False)
    network = keras.Model(face, cache(brightness))
    cache.set_weights([np.eye(7, dtype=np.float32)[answer : answer + 1] * 4])
    return network


def test_an_ensemble_averages_probabilities() -> None:
    first, third = left_half(0), left_half(2)
    probabilities = Ensemble([first, left_half(1), third]).predict(FACES)
    mirrored = left_half(1).predict_on_batch(FACES[:, :, ::-1])
    expected = (first.predict_on_batch(FACES) + mirrored + third.predict_on_batch(FACES)) / 3
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)


def test_every_other_network_gets_the_mirror_image() -> None:
    lit = np.zeros((1, 48, 48, 1), np.float32)
    lit[:, :, :24] = 1
    probabilities = Ensemble([left_half(0), left_half(1)]).predict(lit)
    assert probabilities[0, 0] == pytest.approx((np.exp(4) / (np.exp(4) + 6) + 1 / 7) / 2, abs=1e-5)
    assert probabilities[0, 1] == pytest.approx((1 / (np.exp(4) + 6) + 1 / 7) / 2, abs=1e-5)


def test_the_digest_depends_on_weights_and_order() -> None:
    assert Ensemble([left_half(0)]).digest == Ensemble([left_half(0)]).digest
    assert Ensemble([left_half(0), left_half(1)]).digest != Ensemble([left_half(1), left_half(0)]).digest


ROWS = np.array([2, 0, 1])
IMAGES = list(np.random.default_rng(1).integers(0, 256, (3, 48, 48), np.uint8))


class CountingTeacher:
    """A teacher whose first probability is the brightness of the face; it counts the faces."""

    def __init__(self) -> None:
        self.shown = 0

    def predict(self, faces: np.ndarray) -> np.ndarray:
        self.shown += len(faces)
        first = faces.mean(axis=(1, 2))
        return np.hstack([first, np.repeat((1 - first) / 6, 6, axis=1)]).astype(np.float32)


def test_a_complete_view_is_stored_for_a_resumed_run(tmp_path: Path) -> None:
    first, second = CountingTeacher(), CountingTeacher()
    probabilities = SoftTargetCache(first, 3, tmp_path / "cache").get(4, ROWS, IMAGES, keep=True)
    cache = SoftTargetCache(second, 3, tmp_path / "cache")
    again = cache.get(4, ROWS[::-1], IMAGES[::-1], keep=True)
    np.testing.assert_array_equal(again, probabilities[::-1])
    assert (first.shown, second.shown) == (3, 0)
    cache.get(5, ROWS, IMAGES, keep=True)
    assert second.shown == 3


def test_an_incomplete_view_is_not_stored(tmp_path: Path) -> None:
    first, second = CountingTeacher(), CountingTeacher()
    SoftTargetCache(first, 3, tmp_path / "cache").get(4, ROWS[:2], IMAGES[:2], keep=True)
    assert not (tmp_path / "cache").exists()
    probabilities = SoftTargetCache(second, 3, tmp_path / "cache").get(4, ROWS, IMAGES, keep=True)
    assert second.shown == 3
    np.testing.assert_allclose(probabilities[:, 0], [face.mean() / 255 for face in IMAGES], rtol=1e-5)


def test_a_view_shown_once_is_not_stored(tmp_path: Path) -> None:
    teacher = CountingTeacher()
    cache = SoftTargetCache(teacher, 3, tmp_path / "cache")
    for _ in range(2):
        cache.get(4, ROWS, IMAGES, keep=False)
    assert teacher.shown == 6
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("content", "fault"), [(b"", "can't be read"), (b"not an array", "can't be read"), (None, r"of shape \(2, 7\)")]
)
def test_a_damaged_file_is_an_error(tmp_path: Path, content: bytes | None, fault: str) -> None:
    path = tmp_path / "view-4.npy"
    if content is None:
        np.save(path, np.zeros((2, 7), np.float32))
    else:
        path.write_bytes(content)
    with pytest.raises(RunError, match=rf"view-4\.npy .*{fault}"):
        SoftTargetCache(CountingTeacher(), 3, tmp_path).get(4, ROWS, IMAGES, keep=True)
