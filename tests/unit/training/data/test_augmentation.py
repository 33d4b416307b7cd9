import numpy as np
import pytest

from tests.support.fer2013 import pattern
from tests.support.recipes import NONE
from training.config import Augmentation
from training.data.augmentation import Mixup, composite, degrade, geometric_augment
from training.data.splits import to_model_input

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
    mixup_probability=0.5,
)


def changed(image: np.ndarray, limits: Augmentation, rng: np.random.Generator) -> np.ndarray:
    return degrade(geometric_augment(image, limits, rng), limits, rng)


def test_a_seed_determines_the_augmentation() -> None:
    image = pattern(4, np.random.default_rng(1))
    first, again, other = (changed(image, STRONG, np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("seed", range(20))
def test_augmented_faces_are_valid_model_input(seed: int) -> None:
    rng = np.random.default_rng(seed)
    face = changed(pattern(seed % 7, rng), STRONG, rng)
    assert face.dtype == np.float32
    assert face.shape == (48, 48)
    assert face.min() >= 0
    assert face.max() <= 1


def test_zero_limits_change_nothing() -> None:
    image = pattern(2, np.random.default_rng(1))
    face = changed(image, NONE, np.random.default_rng(1))
    np.testing.assert_allclose(face, image / 255, atol=1e-6)


def test_flip_only_mirrors_the_face() -> None:
    image = pattern(2, np.random.default_rng(1))
    limits = NONE.model_copy(update={"flip": True})
    faces = [geometric_augment(image, limits, np.random.default_rng(seed)) for seed in range(20)]
    mirrored = [np.array_equal(face, image[:, ::-1]) for face in faces]
    kept = [np.array_equal(face, image) for face in faces]
    assert any(mirrored)
    assert any(kept)
    assert all(left or right for left, right in zip(mirrored, kept, strict=True))


def test_noise_has_the_expected_strength() -> None:
    image = np.full((48, 48), 128, np.uint8)
    face = degrade(image, NONE.model_copy(update={"noise_probability": 1.0}), np.random.default_rng(1))
    assert 0.005 < face.std() < 0.08
    assert abs(face.mean() - 128 / 255) < 0.01


@pytest.mark.parametrize("seed", range(8))
def test_erasing_fills_one_rectangle(seed: int) -> None:
    image = pattern(2, np.random.default_rng(1))
    face = degrade(image, NONE.model_copy(update={"erase_probability": 1.0}), np.random.default_rng(seed))
    ys, xs = np.nonzero(np.abs(face - image / 255) > 1e-6)
    hidden = face[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    assert np.ptp(hidden) == 0
    assert hidden.size <= 24 * 24


def test_mixup_blends_faces_and_targets_alike() -> None:
    faces, targets = np.zeros((64, 48, 48, 1), np.float32), np.eye(64, dtype=np.float32)
    for row in range(64):
        faces[row, row % 48, row // 48] = 1
    mixup = Mixup.sample(64, 0.5, np.random.default_rng(1))
    blended, blended_targets = mixup.apply(faces), mixup.apply(targets)
    assert blended.dtype == blended_targets.dtype == np.float32
    np.testing.assert_allclose(blended_targets.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.einsum("bijc,tijc->bt", blended, faces), blended_targets, atol=1e-6)
    own = blended_targets.diagonal()
    assert own.min() >= 0.5
    assert 16 < (own < 1).sum() < 48
    np.testing.assert_array_equal(Mixup.sample(64, 0, np.random.default_rng(1)).apply(faces), faces)


@pytest.mark.parametrize("seed", range(12))
def test_composite_weight_matches_the_pixels(seed: int) -> None:
    black, white = np.zeros((48, 48), np.uint8), np.full((48, 48), 255, np.uint8)
    black[::2], white[::2] = 40, 215
    both, own = composite(black, white, np.random.default_rng(seed))
    again, _ = composite(black, white, np.random.default_rng(seed))
    np.testing.assert_array_equal(both, again)
    assert both.dtype == np.uint8
    assert 0.25 < own < 1
    # The stripes of both are swapped, so the remaining contrast gives the weights.
    stripes = (both[::2].mean() - both[1::2].mean()) / 40
    assert stripes == pytest.approx(own - (1 - own), abs=0.03)


def test_composites_are_blends_or_have_a_seam() -> None:
    one, other = np.random.default_rng(1).integers(0, 256, (2, 48, 48)).astype(np.uint8)
    corners = [(slice(top, top + 6), slice(left, left + 6)) for top in (0, 42) for left in (0, 42)]
    kinds = set()
    for seed in range(60):
        both, _ = composite(one, other, np.random.default_rng(seed))
        kinds.add(tuple(np.array_equal(both[corner], one[corner]) for corner in corners))
    above, beside = (True, True, False, False), (True, False, True, False)
    below, behind = (tuple(not kept for kept in kind) for kind in (above, beside))
    assert kinds == {above, below, beside, behind, (False,) * 4}


def test_model_input_is_scaled_to_one() -> None:
    image = np.zeros((1, 48, 48), np.uint8)
    image[0, 0, :3] = (0, 51, 255)
    faces = to_model_input(image)
    assert faces.shape == (1, 48, 48, 1)
    assert faces.dtype == np.float32
    np.testing.assert_allclose(faces[0, 0, :3, 0], [0, 0.2, 1])
