from pathlib import Path

import numpy as np
import pytest

from tests.fer2013_form import pattern
from training.answers import TeacherAnswers
from training.augment import harm, move
from training.batches import TrainingBatches
from training.compose import composed
from training.dataset import Split
from training.faces import as_faces
from training.mix import Blend
from training.recipe import Augmentation, Later, Recipe, read_recipe

STRONG = Augmentation(
    flip=True,
    shift=0.3,
    rotation_degrees=45,
    scale=0.5,
    brightness=0.9,
    contrast=0.9,
    blur_probability=0.5,
    jpeg_probability=0.5,
    noise_probability=0.5,
    erase_probability=0.5,
    mix_probability=0.5,
)
NONE = Augmentation(
    flip=False, shift=0, rotation_degrees=0, scale=0, brightness=0, contrast=0, blur_probability=0, jpeg_probability=0
)


class Remembering:
    """A teacher that always says the same, and keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[np.ndarray] = []

    def answer(self, faces: np.ndarray) -> np.ndarray:
        self.shown.append(faces)
        return np.full((len(faces), 7), 1 / 7, np.float32)


def changed(image: np.ndarray, limits: Augmentation, rng: np.random.Generator) -> np.ndarray:
    return harm(move(image, limits, rng), limits, rng)


def shades(faces: np.ndarray) -> list[bytes]:
    """Return faces as bytes, in an order of their own, so that equal ones are found in another order."""
    return sorted(np.rint(face * 255).astype(np.uint8).tobytes() for face in faces)


@pytest.fixture
def split() -> Split:
    rng = np.random.default_rng(11)
    labels = np.arange(10, dtype=np.uint8) % 7
    return Split(np.stack([pattern(int(label), rng) for label in labels]), labels)


@pytest.fixture
def recipe() -> Recipe:
    return read_recipe().model_copy(update={"batch_size": 4})


def test_augmentation_depends_on_its_seed_only() -> None:
    image = pattern(4, np.random.default_rng(1))
    first, again, other = (changed(image, STRONG, np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("seed", range(20))
def test_augmentation_stays_a_face_tensor(seed: int) -> None:
    rng = np.random.default_rng(seed)
    face = changed(pattern(seed % 7, rng), STRONG, rng)
    assert face.dtype == np.float32
    assert face.shape == (48, 48)
    assert face.min() >= 0
    assert face.max() <= 1


def test_augmentation_without_limits_changes_nothing() -> None:
    image = pattern(2, np.random.default_rng(1))
    face = changed(image, NONE, np.random.default_rng(1))
    np.testing.assert_allclose(face, image / 255, atol=1e-6)


def test_a_flip_mirrors_the_face_and_nothing_else() -> None:
    image = pattern(2, np.random.default_rng(1))
    limits = NONE.model_copy(update={"flip": True})
    faces = [move(image, limits, np.random.default_rng(seed)) for seed in range(20)]
    mirrored = [np.array_equal(face, image[:, ::-1]) for face in faces]
    kept = [np.array_equal(face, image) for face in faces]
    assert any(mirrored)
    assert any(kept)
    assert all(left or right for left, right in zip(mirrored, kept, strict=True))


def test_noise_reaches_every_part_of_a_face() -> None:
    image = np.full((48, 48), 128, np.uint8)
    face = harm(image, NONE.model_copy(update={"noise_probability": 1.0}), np.random.default_rng(1))
    assert 0.005 < face.std() < 0.08
    assert abs(face.mean() - 128 / 255) < 0.01


@pytest.mark.parametrize("seed", range(8))
def test_a_rectangle_is_hidden_and_the_rest_is_kept(seed: int) -> None:
    image = pattern(2, np.random.default_rng(1))
    face = harm(image, NONE.model_copy(update={"erase_probability": 1.0}), np.random.default_rng(seed))
    ys, xs = np.nonzero(np.abs(face - image / 255) > 1e-6)
    hidden = face[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    assert np.ptp(hidden) == 0
    assert hidden.size <= 24 * 24


def test_blended_faces_have_blended_targets_and_keep_most_of_themselves() -> None:
    faces, targets = np.zeros((64, 48, 48, 1), np.float32), np.eye(64, dtype=np.float32)
    for row in range(64):
        faces[row, row % 48, row // 48] = 1
    blend = Blend.drawn(64, 0.5, np.random.default_rng(1))
    blended, taught = blend.of(faces), blend.of(targets)
    assert blended.dtype == taught.dtype == np.float32
    np.testing.assert_allclose(taught.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.einsum("bijc,tijc->bt", blended, faces), taught, atol=1e-6)
    own = taught.diagonal()
    assert own.min() >= 0.5
    assert 16 < (own < 1).sum() < 48
    np.testing.assert_array_equal(Blend.drawn(64, 0, np.random.default_rng(1)).of(faces), faces)


@pytest.mark.parametrize("seed", range(12))
def test_a_composed_face_is_partly_one_and_partly_another(seed: int) -> None:
    black, white = np.zeros((48, 48), np.uint8), np.full((48, 48), 255, np.uint8)
    black[::2], white[::2] = 40, 215
    both, own = composed(black, white, np.random.default_rng(seed))
    again, _ = composed(black, white, np.random.default_rng(seed))
    np.testing.assert_array_equal(both, again)
    assert both.dtype == np.uint8
    assert 0.25 < own < 1
    # The other one's rows are swapped, so what is left of the stripes tells the shares.
    stripes = (both[::2].mean() - both[1::2].mean()) / 40
    assert stripes == pytest.approx(own - (1 - own), abs=0.03)


def test_composed_faces_are_blended_or_have_a_seam_either_way() -> None:
    one, other = np.random.default_rng(1).integers(0, 256, (2, 48, 48)).astype(np.uint8)
    corners = [(slice(top, top + 6), slice(left, left + 6)) for top in (0, 42) for left in (0, 42)]
    kinds = set()
    for seed in range(60):
        both, _ = composed(one, other, np.random.default_rng(seed))
        kinds.add(tuple(np.array_equal(both[corner], one[corner]) for corner in corners))
    above, beside = (True, True, False, False), (True, False, True, False)
    below, behind = (tuple(not kept for kept in kind) for kind in (above, beside))
    assert kinds == {above, below, beside, behind, (False,) * 4}


def test_later_other_faces_and_a_teachers_word_are_taught(split: Split, recipe: Recipe, tmp_path: Path) -> None:
    still = recipe.model_copy(update={"augmentation": NONE, "label_smoothing": 0.0, "later": None})
    later = Later(from_epoch=1, teacher_weight=0.25, augmentation=NONE.model_copy(update={"erase_probability": 1.0}))
    plain = TrainingBatches(split, still, first_epoch=0)
    first = TrainingBatches(
        split,
        still.model_copy(update={"later": later}),
        first_epoch=0,
        answers=TeacherAnswers(Remembering(), 10, tmp_path),
    )
    for batch, expected in zip(first[0], plain[0], strict=True):
        np.testing.assert_array_equal(batch, expected)
    for batches in (first, plain):
        batches.go_to(1)
    assert not np.array_equal(first[0][0], plain[0][0])
    np.testing.assert_allclose(first[0][1], plain[0][1] * 0.75 + 0.25 / 7, rtol=1e-6)
    alone = TrainingBatches(split, still.model_copy(update={"later": later}), first_epoch=1)
    np.testing.assert_array_equal(alone[0][1], plain[0][1])


def test_a_teacher_sees_faces_moved_and_unharmed(split: Split, recipe: Recipe, tmp_path: Path) -> None:
    limits = NONE.model_copy(update={"shift": 0.2})
    later = Later(from_epoch=1, teacher_weight=1.0, augmentation=limits)
    moved, _ = TrainingBatches(split, recipe.model_copy(update={"later": later}), first_epoch=1)[0]
    harmful = limits.model_copy(update={"noise_probability": 1.0, "erase_probability": 1.0, "mix_probability": 1.0})
    teacher = Remembering()
    harmed = recipe.model_copy(update={"later": later.model_copy(update={"augmentation": harmful})})
    seen, _ = TrainingBatches(split, harmed, first_epoch=1, answers=TeacherAnswers(teacher, 10, tmp_path))[0]
    np.testing.assert_allclose(teacher.shown[0], moved, atol=1e-6)
    assert np.abs(seen - moved).max() > 0.05


def test_a_teacher_is_asked_about_faces_put_together(split: Split, recipe: Recipe, tmp_path: Path) -> None:
    limits = NONE.model_copy(update={"compose_probability": 1.0})
    later = Later(from_epoch=1, teacher_weight=0.5, vote_weight=0.0, augmentation=limits)
    taught = recipe.model_copy(update={"later": later, "label_smoothing": 0.0})
    teacher = Remembering()
    batches = TrainingBatches(split, taught, first_epoch=1, answers=TeacherAnswers(teacher, 10, tmp_path))
    faces, targets = (np.concatenate(part) for part in zip(*(batches[index] for index in range(3)), strict=True))
    np.testing.assert_allclose(np.concatenate(teacher.shown), faces, atol=1e-6)
    # Chance may name a face its own partner.
    assert len(set(shades(faces)) & set(shades(as_faces(split.images)))) <= 2
    # Half is the teacher's, who says each as likely; of the rest the two labels have their shares.
    told = (targets - 0.5 / 7) * 2
    np.testing.assert_allclose(told.sum(axis=1), 1, rtol=1e-5)
    assert {int((row > 1e-3).sum()) for row in told} == {1, 2}


def test_without_composing_an_epoch_stays_what_it_was(split: Split, recipe: Recipe) -> None:
    limits = NONE.model_copy(update={"shift": 0.2})
    faces, _ = TrainingBatches(split, recipe.model_copy(update={"augmentation": limits, "later": None}), 0)[0]
    order = np.random.default_rng((recipe.seed, 0)).permutation(10)
    expected = [move(split.images[row], limits, np.random.default_rng((recipe.seed, 0, row))) for row in order[:4]]
    np.testing.assert_allclose(faces, as_faces(expected), atol=1e-6)


def test_a_teacher_is_asked_once_about_each_view(split: Split, recipe: Recipe, tmp_path: Path) -> None:
    limits = NONE.model_copy(update={"shift": 0.2})
    later = Later(from_epoch=1, teacher_weight=1.0, views=2, augmentation=limits)
    teacher = Remembering()
    batches = TrainingBatches(
        split, recipe.model_copy(update={"later": later}), first_epoch=1, answers=TeacherAnswers(teacher, 10, tmp_path)
    )
    by_epoch = []
    for epoch in range(1, 6):
        batches.go_to(epoch)
        shown = np.concatenate([batches[index][0] for index in range(len(batches))])
        by_epoch.append(shades(shown))
    assert by_epoch[0] == by_epoch[2] == by_epoch[4]
    assert by_epoch[1] == by_epoch[3]
    assert by_epoch[0] != by_epoch[1]
    assert shades(np.concatenate(teacher.shown)) == sorted(by_epoch[0] + by_epoch[1])


def test_a_teachers_answer_follows_its_face(split: Split, recipe: Recipe, tmp_path: Path) -> None:
    class Brightness(Remembering):
        def answer(self, faces: np.ndarray) -> np.ndarray:
            return np.repeat(faces.mean(axis=(1, 2)), 7, axis=1)

    later = Later(from_epoch=1, teacher_weight=1.0, views=2, augmentation=NONE.model_copy(update={"shift": 0.2}))
    taught = recipe.model_copy(update={"later": later})
    batches = TrainingBatches(split, taught, first_epoch=1, answers=TeacherAnswers(Brightness(), 10, tmp_path))
    for epoch in range(1, 5):
        batches.go_to(epoch)
        for faces, targets in (batches[index] for index in range(len(batches))):
            np.testing.assert_allclose(targets[:, 0], faces.mean(axis=(1, 2, 3)), rtol=1e-5)


def test_a_batch_is_of_one_epoch_though_the_next_begins_meanwhile(split: Split, recipe: Recipe, tmp_path: Path) -> None:
    """What is fetched in another thread then may be dropped, but a teacher's answers stay."""

    class Interrupted(Remembering):
        def answer(self, faces: np.ndarray) -> np.ndarray:
            batches.go_to(1)
            return np.repeat(faces.mean(axis=(1, 2)), 7, axis=1)

    later = Later(from_epoch=0, teacher_weight=1.0, views=2, augmentation=NONE.model_copy(update={"shift": 0.2}))
    answers = TeacherAnswers(Interrupted(), 10, tmp_path)
    batches = TrainingBatches(split, recipe.model_copy(update={"later": later}), first_epoch=0, answers=answers)
    for faces, targets in (batches[0], batches[0]):
        np.testing.assert_allclose(targets[:, 0], faces.mean(axis=(1, 2, 3)), rtol=1e-5)


def test_votes_may_be_told_until_later_only(split: Split, recipe: Recipe) -> None:
    voted = Split(split.images, split.labels, np.full((10, 7), 1 / 7, np.float32))
    later = Later(from_epoch=1, teacher_weight=0, vote_weight=0.0, augmentation=NONE)
    changing = recipe.model_copy(update={"label_smoothing": 0.0, "vote_weight": 0.5, "later": later})
    before = TrainingBatches(voted, changing, first_epoch=0)[0][1]
    after = TrainingBatches(voted, changing, first_epoch=1)[0][1]
    assert before.max() < 1
    assert set(after.ravel().tolist()) == {0.0, 1.0}


def test_an_epoch_holds_every_face_once(split: Split, recipe: Recipe) -> None:
    batches = TrainingBatches(split, recipe, first_epoch=0)
    sizes = [len(batches[index][0]) for index in range(len(batches))]
    labels = np.concatenate([batches[index][1].argmax(axis=1) for index in range(len(batches))])
    assert sizes == [4, 4, 2]
    assert sorted(labels.tolist()) == sorted(split.labels.tolist())


def test_batches_have_the_models_shapes(split: Split, recipe: Recipe) -> None:
    faces, targets = TrainingBatches(split, recipe, first_epoch=0)[0]
    assert faces.shape == (4, 48, 48, 1)
    assert targets.shape == (4, 7)
    assert faces.dtype == targets.dtype == np.float32


def test_an_epoch_is_the_same_whether_reached_or_started_from(split: Split, recipe: Recipe) -> None:
    reached = TrainingBatches(split, recipe, first_epoch=0)
    first = reached[1][0]
    reached.go_to(1)
    started = TrainingBatches(split, recipe, first_epoch=1)

    np.testing.assert_array_equal(reached[1][0], started[1][0])
    np.testing.assert_array_equal(reached[1][1], started[1][1])
    assert not np.array_equal(first, started[1][0])


def test_faces_are_scaled_to_one() -> None:
    image = np.zeros((1, 48, 48), np.uint8)
    image[0, 0, :3] = (0, 51, 255)
    faces = as_faces(image)
    assert faces.shape == (1, 48, 48, 1)
    assert faces.dtype == np.float32
    np.testing.assert_allclose(faces[0, 0, :3, 0], [0, 0.2, 1])
