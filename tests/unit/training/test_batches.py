import numpy as np
import pytest

from tests.fer2013_form import pattern
from training.augment import augment
from training.batches import TrainingBatches, as_faces
from training.dataset import Split
from training.mix import mix
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
    first, again, other = (augment(image, STRONG, np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("seed", range(20))
def test_augmentation_stays_a_face_tensor(seed: int) -> None:
    rng = np.random.default_rng(seed)
    face = augment(pattern(seed % 7, rng), STRONG, rng)
    assert face.dtype == np.float32
    assert face.shape == (48, 48)
    assert face.min() >= 0
    assert face.max() <= 1


def test_augmentation_without_limits_changes_nothing() -> None:
    image = pattern(2, np.random.default_rng(1))
    face = augment(image, NONE, np.random.default_rng(1))
    np.testing.assert_allclose(face, image / 255, atol=1e-6)


def test_a_flip_mirrors_the_face_and_nothing_else() -> None:
    image = pattern(2, np.random.default_rng(1))
    limits = NONE.model_copy(update={"flip": True})
    faces = [augment(image, limits, np.random.default_rng(seed)) for seed in range(20)]
    mirrored = [np.allclose(face, image[:, ::-1] / 255, atol=1e-6) for face in faces]
    kept = [np.allclose(face, image / 255, atol=1e-6) for face in faces]
    assert any(mirrored)
    assert any(kept)
    assert all(left or right for left, right in zip(mirrored, kept, strict=True))


def test_noise_reaches_every_part_of_a_face() -> None:
    image = np.full((48, 48), 128, np.uint8)
    face = augment(image, NONE.model_copy(update={"noise_probability": 1.0}), np.random.default_rng(1))
    assert 0.005 < face.std() < 0.08
    assert abs(face.mean() - 128 / 255) < 0.01


@pytest.mark.parametrize("seed", range(8))
def test_a_rectangle_is_hidden_and_the_rest_is_kept(seed: int) -> None:
    image = pattern(2, np.random.default_rng(1))
    face = augment(image, NONE.model_copy(update={"erase_probability": 1.0}), np.random.default_rng(seed))
    ys, xs = np.nonzero(np.abs(face - image / 255) > 1e-6)
    hidden = face[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    assert np.ptp(hidden) == 0
    assert hidden.size <= 24 * 24


def test_blended_faces_have_blended_targets_and_keep_most_of_themselves() -> None:
    faces, targets = np.zeros((64, 48, 48, 1), np.float32), np.eye(64, dtype=np.float32)
    for row in range(64):
        faces[row, row % 48, row // 48] = 1
    blended, taught = mix(faces, targets, 0.5, np.random.default_rng(1))
    assert blended.dtype == taught.dtype == np.float32
    np.testing.assert_allclose(taught.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.einsum("bijc,tijc->bt", blended, faces), taught, atol=1e-6)
    own = taught.diagonal()
    assert own.min() >= 0.5
    assert 16 < (own < 1).sum() < 48
    for kept, given in zip(mix(faces, targets, 0, np.random.default_rng(1)), (faces, targets), strict=True):
        np.testing.assert_array_equal(kept, given)


def test_later_other_faces_and_a_teachers_word_are_taught(split: Split, recipe: Recipe) -> None:
    still = recipe.model_copy(update={"augmentation": NONE, "label_smoothing": 0.0, "later": None})
    later = Later(from_epoch=1, teacher_weight=0.25, augmentation=NONE.model_copy(update={"erase_probability": 1.0}))
    teacher = np.full((10, 7), 1 / 7, np.float32)
    plain = TrainingBatches(split, still, first_epoch=0)
    first = TrainingBatches(split, still.model_copy(update={"later": later}), first_epoch=0, teacher=teacher)
    for batch, expected in zip(first[0], plain[0], strict=True):
        np.testing.assert_array_equal(batch, expected)
    first.on_epoch_end()
    plain.on_epoch_end()
    assert not np.array_equal(first[0][0], plain[0][0])
    np.testing.assert_allclose(first[0][1], plain[0][1] * 0.75 + 0.25 / 7, rtol=1e-6)
    alone = TrainingBatches(split, still.model_copy(update={"later": later}), first_epoch=1)
    np.testing.assert_array_equal(alone[0][1], plain[0][1])


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
    reached.on_epoch_end()
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
