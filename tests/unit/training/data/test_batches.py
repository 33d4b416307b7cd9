from pathlib import Path

import numpy as np
import pytest

from tests.support.fer2013 import pattern
from tests.support.recipes import NONE
from training.config import Recipe, SecondPhase, read_recipe
from training.data.augmentation import geometric_augment
from training.data.batches import TrainingBatches
from training.data.fer2013 import Split
from training.data.splits import to_model_input
from training.models.distillation import SoftTargetCache


class RecordingTeacher:
    """A teacher with uniform probabilities that records the faces it gets."""

    def __init__(self) -> None:
        self.shown: list[np.ndarray] = []

    def predict(self, faces: np.ndarray) -> np.ndarray:
        self.shown.append(faces)
        return np.full((len(faces), 7), 1 / 7, np.float32)


def shades(faces: np.ndarray) -> list[bytes]:
    """Return faces as sorted bytes, to compare them in any order."""
    return sorted(np.rint(face * 255).astype(np.uint8).tobytes() for face in faces)


@pytest.fixture
def split() -> Split:
    rng = np.random.default_rng(11)
    labels = np.arange(10, dtype=np.uint8) % 7
    return Split(np.stack([pattern(int(label), rng) for label in labels]), labels)


@pytest.fixture
def recipe() -> Recipe:
    return read_recipe().model_copy(update={"batch_size": 4})


def test_the_second_phase_changes_augmentation_and_targets(split: Split, recipe: Recipe, tmp_path: Path) -> None:
    still = recipe.model_copy(update={"augmentation": NONE, "label_smoothing": 0.0, "phase2": None})
    phase2 = SecondPhase(
        from_epoch=1, teacher_weight=0.25, augmentation=NONE.model_copy(update={"erase_probability": 1.0})
    )
    plain = TrainingBatches(split, still, first_epoch=0)
    first = TrainingBatches(
        split,
        still.model_copy(update={"phase2": phase2}),
        first_epoch=0,
        soft_targets=SoftTargetCache(RecordingTeacher(), 10, tmp_path),
    )
    for batch, expected in zip(first[0], plain[0], strict=True):
        np.testing.assert_array_equal(batch, expected)
    for batches in (first, plain):
        batches.set_epoch(1)
    assert not np.array_equal(first[0][0], plain[0][0])
    np.testing.assert_allclose(first[0][1], plain[0][1] * 0.75 + 0.25 / 7, rtol=1e-6)
    alone = TrainingBatches(split, still.model_copy(update={"phase2": phase2}), first_epoch=1)
    np.testing.assert_array_equal(alone[0][1], plain[0][1])


def test_teachers_get_faces_before_degradation(split: Split, recipe: Recipe, tmp_path: Path) -> None:
    limits = NONE.model_copy(update={"shift": 0.2})
    phase2 = SecondPhase(from_epoch=1, teacher_weight=1.0, augmentation=limits)
    moved, _ = TrainingBatches(split, recipe.model_copy(update={"phase2": phase2}), first_epoch=1)[0]
    degrading = limits.model_copy(update={"noise_probability": 1.0, "erase_probability": 1.0, "mixup_probability": 1.0})
    teacher = RecordingTeacher()
    degraded = recipe.model_copy(update={"phase2": phase2.model_copy(update={"augmentation": degrading})})
    seen, _ = TrainingBatches(split, degraded, first_epoch=1, soft_targets=SoftTargetCache(teacher, 10, tmp_path))[0]
    np.testing.assert_allclose(teacher.shown[0], moved, atol=1e-6)
    assert np.abs(seen - moved).max() > 0.05


def test_teachers_label_composites(split: Split, recipe: Recipe, tmp_path: Path) -> None:
    limits = NONE.model_copy(update={"cutmix_probability": 1.0})
    phase2 = SecondPhase(from_epoch=1, teacher_weight=0.5, soft_label_weight=0.0, augmentation=limits)
    student = recipe.model_copy(update={"phase2": phase2, "label_smoothing": 0.0})
    teacher = RecordingTeacher()
    batches = TrainingBatches(split, student, first_epoch=1, soft_targets=SoftTargetCache(teacher, 10, tmp_path))
    faces, targets = (np.concatenate(part) for part in zip(*(batches[index] for index in range(3)), strict=True))
    np.testing.assert_allclose(np.concatenate(teacher.shown), faces, atol=1e-6)
    # A face may be its own partner.
    assert len(set(shades(faces)) & set(shades(to_model_input(split.images)))) <= 2
    # Half of the target is the teacher's uniform distribution; the two labels have the rest.
    of_labels = (targets - 0.5 / 7) * 2
    np.testing.assert_allclose(of_labels.sum(axis=1), 1, rtol=1e-5)
    assert {int((row > 1e-3).sum()) for row in of_labels} == {1, 2}


def test_faces_without_composites(split: Split, recipe: Recipe) -> None:
    limits = NONE.model_copy(update={"shift": 0.2})
    faces, _ = TrainingBatches(split, recipe.model_copy(update={"augmentation": limits, "phase2": None}), 0)[0]
    order = np.random.default_rng((recipe.seed, 0)).permutation(10)
    expected = [
        geometric_augment(split.images[row], limits, np.random.default_rng((recipe.seed, 0, row))) for row in order[:4]
    ]
    np.testing.assert_allclose(faces, to_model_input(expected), atol=1e-6)


def test_teachers_label_each_view_once(split: Split, recipe: Recipe, tmp_path: Path) -> None:
    limits = NONE.model_copy(update={"shift": 0.2})
    phase2 = SecondPhase(from_epoch=1, teacher_weight=1.0, cached_views=2, augmentation=limits)
    teacher = RecordingTeacher()
    batches = TrainingBatches(
        split,
        recipe.model_copy(update={"phase2": phase2}),
        first_epoch=1,
        soft_targets=SoftTargetCache(teacher, 10, tmp_path),
    )
    by_epoch = []
    for epoch in range(1, 6):
        batches.set_epoch(epoch)
        shown = np.concatenate([batches[index][0] for index in range(len(batches))])
        by_epoch.append(shades(shown))
    assert by_epoch[0] == by_epoch[2] == by_epoch[4]
    assert by_epoch[1] == by_epoch[3]
    assert by_epoch[0] != by_epoch[1]
    assert shades(np.concatenate(teacher.shown)) == sorted(by_epoch[0] + by_epoch[1])


def test_teacher_probabilities_belong_to_their_faces(split: Split, recipe: Recipe, tmp_path: Path) -> None:
    class Brightness(RecordingTeacher):
        def predict(self, faces: np.ndarray) -> np.ndarray:
            return np.repeat(faces.mean(axis=(1, 2)), 7, axis=1)

    phase2 = SecondPhase(
        from_epoch=1, teacher_weight=1.0, cached_views=2, augmentation=NONE.model_copy(update={"shift": 0.2})
    )
    student = recipe.model_copy(update={"phase2": phase2})
    batches = TrainingBatches(split, student, first_epoch=1, soft_targets=SoftTargetCache(Brightness(), 10, tmp_path))
    for epoch in range(1, 5):
        batches.set_epoch(epoch)
        for faces, targets in (batches[index] for index in range(len(batches))):
            np.testing.assert_allclose(targets[:, 0], faces.mean(axis=(1, 2, 3)), rtol=1e-5)


def test_a_batch_belongs_to_one_epoch_if_the_next_begins_meanwhile(
    split: Split, recipe: Recipe, tmp_path: Path
) -> None:
    """Keras may drop a batch fetched in another thread, but the teacher's probabilities are cached."""

    class Interrupted(RecordingTeacher):
        def predict(self, faces: np.ndarray) -> np.ndarray:
            batches.set_epoch(1)
            return np.repeat(faces.mean(axis=(1, 2)), 7, axis=1)

    phase2 = SecondPhase(
        from_epoch=0, teacher_weight=1.0, cached_views=2, augmentation=NONE.model_copy(update={"shift": 0.2})
    )
    answers = SoftTargetCache(Interrupted(), 10, tmp_path)
    batches = TrainingBatches(split, recipe.model_copy(update={"phase2": phase2}), first_epoch=0, soft_targets=answers)
    for faces, targets in (batches[0], batches[0]):
        np.testing.assert_allclose(targets[:, 0], faces.mean(axis=(1, 2, 3)), rtol=1e-5)


def test_votes_can_be_limited_to_the_first_phase(split: Split, recipe: Recipe) -> None:
    voted = Split(split.images, split.labels, np.full((10, 7), 1 / 7, np.float32))
    phase2 = SecondPhase(from_epoch=1, teacher_weight=0, soft_label_weight=0.0, augmentation=NONE)
    changing = recipe.model_copy(update={"label_smoothing": 0.0, "soft_label_weight": 0.5, "phase2": phase2})
    before = TrainingBatches(voted, changing, first_epoch=0)[0][1]
    after = TrainingBatches(voted, changing, first_epoch=1)[0][1]
    assert before.max() < 1
    assert set(after.ravel().tolist()) == {0.0, 1.0}


def test_an_epoch_has_every_face_once(split: Split, recipe: Recipe) -> None:
    batches = TrainingBatches(split, recipe, first_epoch=0)
    sizes = [len(batches[index][0]) for index in range(len(batches))]
    labels = np.concatenate([batches[index][1].argmax(axis=1) for index in range(len(batches))])
    assert sizes == [4, 4, 2]
    assert sorted(labels.tolist()) == sorted(split.labels.tolist())


def test_shapes_of_a_batch(split: Split, recipe: Recipe) -> None:
    faces, targets = TrainingBatches(split, recipe, first_epoch=0)[0]
    assert faces.shape == (4, 48, 48, 1)
    assert targets.shape == (4, 7)
    assert faces.dtype == targets.dtype == np.float32


def test_an_epoch_is_the_same_in_a_resumed_run(split: Split, recipe: Recipe) -> None:
    reached = TrainingBatches(split, recipe, first_epoch=0)
    first = reached[1][0]
    reached.set_epoch(1)
    started = TrainingBatches(split, recipe, first_epoch=1)

    np.testing.assert_array_equal(reached[1][0], started[1][0])
    np.testing.assert_array_equal(reached[1][1], started[1][1])
    assert not np.array_equal(first, started[1][0])
