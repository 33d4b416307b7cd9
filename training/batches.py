"""Turns a split into batches; each epoch's order and changes depend on seed and epoch only."""

import math

import keras
import numpy as np
from numpy.typing import NDArray

from services.detector.preprocess import as_model_input
from training.augment import augment
from training.dataset import Split
from training.mix import mix
from training.recipe import Recipe
from training.targets import targets

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]


class TrainingBatches(keras.utils.PyDataset):
    """Augmented, shuffled batches: faces float32 [b, 48, 48, 1], targets float32 [b, 7]."""

    def __init__(
        self, split: Split, recipe: Recipe, first_epoch: int, teacher: NDArray[np.float32] | None = None
    ) -> None:
        """Begin with an epoch.

        Args:
            split: The rows to train on.
            recipe: How.
            first_epoch: From 0.
            teacher: A teacher's probabilities for the rows, float32 [n, 7], where the recipe asks one.
        """
        super().__init__(workers=1, use_multiprocessing=False)
        self._split = split
        self._targets = targets(split, recipe.vote_weight, recipe.label_smoothing)
        self._teacher = teacher
        self._recipe = recipe
        self._epoch = first_epoch
        self._order = self._shuffled()

    def __len__(self) -> int:
        return math.ceil(len(self._split) / self._recipe.batch_size)

    def __getitem__(self, index: int) -> Batch:
        size = self._recipe.batch_size
        rows = self._order[index * size : (index + 1) * size]
        rng = np.random.default_rng((self._recipe.seed, self._epoch, index))
        limits = self._recipe.augmentation_in(self._epoch)
        faces = np.stack([augment(self._split.images[row], limits, rng) for row in rows])
        return mix(faces[..., np.newaxis], self._taught(rows), limits.mix_probability, rng)

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch; Keras calls this."""
        self._epoch += 1
        self._order = self._shuffled()

    def _taught(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        weight = self._recipe.teacher_weight_in(self._epoch)
        if self._teacher is None or not weight:
            return self._targets[rows]
        taught: NDArray[np.float32] = self._targets[rows] * (1 - weight) + self._teacher[rows] * weight
        return taught

    def _shuffled(self) -> NDArray[np.int64]:
        return np.random.default_rng((self._recipe.seed, self._epoch)).permutation(len(self._split))


def as_faces(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return uint8 [n, 48, 48] images as the model's input, float32 [n, 48, 48, 1] in [0, 1]; n is at least 1."""
    return np.stack([as_model_input(image) for image in images])
