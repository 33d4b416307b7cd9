from pathlib import Path

import keras
import numpy as np
import pytest

from training.models.distillation import Ensemble, TeacherAnswers
from training.run_dir import RunError

FACES = np.random.default_rng(1).random((3, 48, 48, 1), np.float32)


def left_half(answer: int) -> keras.Model:
    """A network that is the surer of one answer the brighter the left half of a face is."""
    face = keras.Input((48, 48, 1))
    brightness = keras.layers.GlobalAveragePooling2D()(keras.layers.Cropping2D(((0, 0), (0, 24)))(face))
    answers = keras.layers.Dense(7, activation="softmax", use_bias=False)
    network = keras.Model(face, answers(brightness))
    answers.set_weights([np.eye(7, dtype=np.float32)[answer : answer + 1] * 4])
    return network


def test_an_ensemble_says_what_its_networks_say_in_the_mean() -> None:
    first, third = left_half(0), left_half(2)
    said = Ensemble([first, left_half(1), third]).answer(FACES)
    mirrored = left_half(1).predict_on_batch(FACES[:, :, ::-1])
    expected = (first.predict_on_batch(FACES) + mirrored + third.predict_on_batch(FACES)) / 3
    assert said.dtype == np.float32
    np.testing.assert_allclose(said, expected, atol=1e-6)


def test_every_other_network_sees_the_mirror_image() -> None:
    lit = np.zeros((1, 48, 48, 1), np.float32)
    lit[:, :, :24] = 1
    said = Ensemble([left_half(0), left_half(1)]).answer(lit)
    assert said[0, 0] == pytest.approx((np.exp(4) / (np.exp(4) + 6) + 1 / 7) / 2, abs=1e-5)
    assert said[0, 1] == pytest.approx((1 / (np.exp(4) + 6) + 1 / 7) / 2, abs=1e-5)


def test_networks_are_told_apart_by_their_weights() -> None:
    assert Ensemble([left_half(0)]).digest == Ensemble([left_half(0)]).digest
    assert Ensemble([left_half(0), left_half(1)]).digest != Ensemble([left_half(1), left_half(0)]).digest


ROWS = np.array([2, 0, 1])
FACES_test_answers = list(np.random.default_rng(1).integers(0, 256, (3, 48, 48), np.uint8))


class Counting:
    """A teacher that is surer of its first answer the brighter a face is, and counts the faces that it was shown."""

    def __init__(self) -> None:
        self.shown = 0

    def answer(self, faces: np.ndarray) -> np.ndarray:
        self.shown += len(faces)
        first = faces.mean(axis=(1, 2))
        return np.hstack([first, np.repeat((1 - first) / 6, 6, axis=1)]).astype(np.float32)


def test_what_was_said_of_a_view_is_kept_for_a_run_that_goes_on(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    said = TeacherAnswers(first, 3, tmp_path / "answers").about(4, ROWS, FACES_test_answers, keep=True)
    answers = TeacherAnswers(second, 3, tmp_path / "answers")
    again = answers.about(4, ROWS[::-1], FACES_test_answers[::-1], keep=True)
    np.testing.assert_array_equal(again, said[::-1])
    assert (first.shown, second.shown) == (3, 0)
    answers.about(5, ROWS, FACES_test_answers, keep=True)
    assert second.shown == 3


def test_half_a_view_isnt_kept(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    TeacherAnswers(first, 3, tmp_path / "answers").about(4, ROWS[:2], FACES_test_answers[:2], keep=True)
    assert not (tmp_path / "answers").exists()
    said = TeacherAnswers(second, 3, tmp_path / "answers").about(4, ROWS, FACES_test_answers, keep=True)
    assert second.shown == 3
    np.testing.assert_allclose(said[:, 0], [face.mean() / 255 for face in FACES_test_answers], rtol=1e-5)


def test_a_view_that_doesnt_come_again_isnt_kept(tmp_path: Path) -> None:
    teacher = Counting()
    answers = TeacherAnswers(teacher, 3, tmp_path / "answers")
    for _ in range(2):
        answers.about(4, ROWS, FACES_test_answers, keep=False)
    assert teacher.shown == 6
    assert not (tmp_path / "answers").exists()


@pytest.mark.parametrize(
    ("content", "fault"), [(b"", "can't be read"), (b"not an array", "can't be read"), (None, r"of shape \(2, 7\)")]
)
def test_a_damaged_file_of_answers_is_named(tmp_path: Path, content: bytes | None, fault: str) -> None:
    path = tmp_path / "view-4.npy"
    if content is None:
        np.save(path, np.zeros((2, 7), np.float32))
    else:
        path.write_bytes(content)
    with pytest.raises(RunError, match=rf"view-4\.npy .*{fault}"):
        TeacherAnswers(Counting(), 3, tmp_path).about(4, ROWS, FACES_test_answers, keep=True)
