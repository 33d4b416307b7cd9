from pathlib import Path

import numpy as np
import pytest

from training.answers import TeacherAnswers
from training.run_folder import RunError

ROWS = np.array([2, 0, 1])
FACES = list(np.random.default_rng(1).integers(0, 256, (3, 48, 48), np.uint8))


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
    said = TeacherAnswers(first, 3, tmp_path / "answers").about(4, ROWS, FACES, keep=True)
    answers = TeacherAnswers(second, 3, tmp_path / "answers")
    again = answers.about(4, ROWS[::-1], FACES[::-1], keep=True)
    np.testing.assert_array_equal(again, said[::-1])
    assert (first.shown, second.shown) == (3, 0)
    answers.about(5, ROWS, FACES, keep=True)
    assert second.shown == 3


def test_half_a_view_isnt_kept(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    TeacherAnswers(first, 3, tmp_path / "answers").about(4, ROWS[:2], FACES[:2], keep=True)
    assert not (tmp_path / "answers").exists()
    said = TeacherAnswers(second, 3, tmp_path / "answers").about(4, ROWS, FACES, keep=True)
    assert second.shown == 3
    np.testing.assert_allclose(said[:, 0], [face.mean() / 255 for face in FACES], rtol=1e-5)


def test_a_view_that_doesnt_come_again_isnt_kept(tmp_path: Path) -> None:
    teacher = Counting()
    answers = TeacherAnswers(teacher, 3, tmp_path / "answers")
    for _ in range(2):
        answers.about(4, ROWS, FACES, keep=False)
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
        TeacherAnswers(Counting(), 3, tmp_path).about(4, ROWS, FACES, keep=True)
