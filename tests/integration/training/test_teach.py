"""A run teaches another."""

from pathlib import Path

import numpy as np
import pytest

from tests import fer2013_form
from training.dataset import TRAINING, VALIDATION
from training.run_folder import RunError, RunFolder
from training.teach import main, teach
from training.teacher import Teacher, read_teacher, write_teacher
from training.train import train


@pytest.fixture(scope="module")
def teacher(data: Path, finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("teacher") / "teacher.npz"
    teach(finished_run, data, path, copies=2)
    return path


@pytest.fixture(scope="module")
def taught(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that asks a teacher from the first epoch but one."""
    text = recipe.read_text()
    changed = text.replace("teacher_weight = 0.0", "teacher_weight = 1.0")
    assert changed != text
    path = tmp_path_factory.mktemp("recipe") / "taught.toml"
    path.write_text(changed)
    return path


def test_a_teacher_answers_about_every_row_that_is_trained_on(teacher: Path) -> None:
    answers = read_teacher(teacher).probabilities
    assert answers.shape[1] == 7
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-3)
    assert answers.std(axis=0).max() > 0.01, "not the same about all"


def test_what_a_teacher_says_is_learned(data: Path, taught: Path, teacher: Path, tmp_path: Path) -> None:
    rows = len(read_teacher(teacher).probabilities)
    digest = read_teacher(teacher).data_sha256
    losses = []
    for name, answer in (("first", 0), ("second", 6)):
        stubborn = tmp_path / f"{name}.npz"
        certain = np.zeros((rows, 7), np.float32)
        certain[:, answer] = 1
        write_teacher(stubborn, Teacher(certain, digest))
        network = train(data, taught, tmp_path / name, stubborn)
        losses.append(network.predict(np.full((1, 48, 48, 1), 0.5, np.float32), verbose=0)[0])
    assert losses[0][0] > losses[1][0]
    assert losses[1][6] > losses[0][6]
    assert RunFolder(tmp_path / "first").teacher_digest() != RunFolder(tmp_path / "second").teacher_digest()


def test_answers_about_other_data_are_refused(taught: Path, teacher: Path, tmp_path: Path) -> None:
    rows = [*fer2013_form.patterns(TRAINING, 3, seed=5), *fer2013_form.patterns(VALIDATION, 2, seed=6)]
    other = fer2013_form.write(tmp_path / "other.csv", rows)
    with pytest.raises(RunError, match="answers about other data"):
        train(other, taught, tmp_path / "run", teacher)


def test_a_run_on_other_data_teaches_nothing(finished_run: Path, tmp_path: Path) -> None:
    other = fer2013_form.write(tmp_path / "other.csv", fer2013_form.patterns(TRAINING, 3, seed=5))
    with pytest.raises(SystemExit, match=r"^teach: .* was trained on other data than "):
        main([f"--run={finished_run}", f"--data={other}", f"--out={tmp_path / 'teacher.npz'}"])
    assert not (tmp_path / "teacher.npz").exists()


def test_a_folder_without_a_run_is_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^teach: .* holds no run"):
        main([f"--run={tmp_path}", f"--data={data}", f"--out={tmp_path / 'teacher.npz'}"])
