"""Turns a split into batches; each epoch's order and changes depend on seed and epoch only."""

import math
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from training.answers import Answers
from training.augment import harm, move
from training.compose import composed
from training.dataset import Split
from training.mix import Blend
from training.recipe import Augmentation, Recipe
from training.targets import targets

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class _View:
    """A row's face as it is shown, uint8 [48, 48], the row that has lent it the rest, and its own share."""

    face: NDArray[np.uint8]
    other: int
    own: float


class TrainingBatches(keras.utils.PyDataset):
    """Augmented, shuffled batches: faces float32 [b, 48, 48, 1], targets float32 [b, 7]."""

    def __init__(self, split: Split, recipe: Recipe, first_epoch: int, answers: Answers | None = None) -> None:
        """Begin with an epoch.

        Args:
            split: The rows to train on.
            recipe: How.
            first_epoch: From 0.
            answers: Of a teacher about the split's rows, where the recipe asks one.
        """
        super().__init__(workers=1, use_multiprocessing=False)
        self._split = split
        self._told = {
            weight: targets(split, weight, recipe.label_smoothing)
            for weight in {recipe.vote_weight_in(epoch) for epoch in range(first_epoch, recipe.epochs)}
        }
        self._answers = answers
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
        views = [self._view_of(row, limits) for row in rows]
        faces = [view.face for view in views]
        harmed = np.stack([harm(face, limits, rng) for face in faces])[..., np.newaxis]
        told = self._told[self._recipe.vote_weight_in(self._epoch)]
        own = np.array([view.own for view in views], np.float32)[:, np.newaxis]
        taught = told[rows] * own + told[[view.other for view in views]] * (1 - own)
        weight = self._recipe.teacher_weight_in(self._epoch)
        if self._answers and weight:
            # It sees faces before they are harmed: the pupil learns to see through what the teacher never met.
            said = self._answers.about(self._recipe.view_in(self._epoch), rows, faces, keep=self._recipe.views_return)
            taught = (1 - weight) * taught + weight * said
        blend = Blend.drawn(len(rows), limits.mix_probability, rng)
        return blend.of(harmed), blend.of(taught)

    def _view_of(self, row: int, limits: Augmentation) -> _View:
        rng = np.random.default_rng((self._recipe.seed, self._recipe.view_in(self._epoch), row))
        face = move(self._split.images[row], limits, rng)
        if rng.random() >= limits.compose_probability:
            return _View(face, row, 1.0)
        other = int(rng.integers(len(self._split)))
        both, own = composed(face, move(self._split.images[other], limits, rng), rng)
        return _View(both, other, own)

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch; Keras calls this."""
        self._epoch += 1
        self._order = self._shuffled()

    def _shuffled(self) -> NDArray[np.int64]:
        return np.random.default_rng((self._recipe.seed, self._epoch)).permutation(len(self._split))
