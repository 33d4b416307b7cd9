from pathlib import Path

import numpy as np
import pytest

from training.csv_rows import DatasetError
from training.teacher import Teacher, read_teacher, write_teacher

ANSWERS = np.random.default_rng(1).dirichlet(np.ones(7), 5).astype(np.float32)


def test_answers_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "teacher.npz"
    write_teacher(path, Teacher(ANSWERS, "abc"))
    read = read_teacher(path)
    np.testing.assert_array_equal(read.probabilities, ANSWERS)
    assert read.data_sha256 == "abc"
    assert [file.name for file in tmp_path.iterdir()] == ["teacher.npz"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"none\.npz: No such file"):
        read_teacher(tmp_path / "none.npz")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off"])
def test_a_file_of_something_else_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "teacher.npz"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"teacher\.npz holds no teacher's answers"):
        read_teacher(path)


def test_a_lone_array_is_no_teacher(tmp_path: Path) -> None:
    path = tmp_path / "teacher.npy"
    np.save(path, ANSWERS)
    with pytest.raises(DatasetError, match=r"teacher\.npy holds no teacher's answers"):
        read_teacher(path)


def test_a_cut_off_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "teacher.npz"
    write_teacher(path, Teacher(ANSWERS, "abc"))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DatasetError, match=r"teacher\.npz holds no teacher's answers"):
        read_teacher(path)


@pytest.mark.parametrize(("answers", "fault"), [(ANSWERS[:, :6], "shape"), (ANSWERS * 2, "doesn't sum to 1")])
def test_answers_that_are_no_distributions_are_refused(tmp_path: Path, answers: np.ndarray, fault: str) -> None:
    path = tmp_path / "teacher.npz"
    write_teacher(path, Teacher(answers, "abc"))
    with pytest.raises(DatasetError, match=fault):
        read_teacher(path)
