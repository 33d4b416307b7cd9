"""Turns a split into batches; each epoch's order and changes depend on seed and epoch only."""

import math
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from training.config import Augmentation, Recipe
from training.data.augmentation import Blend, composed, harm, move
from training.data.fer2013 import Split
from training.data.ferplus import targets
from training.models.distillation import TeacherAnswers

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class _View:
    """A row's face as it is shown, uint8 [48, 48], the row that has lent it the rest, and its own share."""

    face: NDArray[np.uint8]
    other: int
    own: float


@dataclass(frozen=True)
class _Epoch:
    """An epoch's number, from 0, and the order in which it shows the rows, int64 [n]."""

    number: int
    order: NDArray[np.int64]


class TrainingBatches(keras.utils.PyDataset):
    """Augmented, shuffled batches: faces float32 [b, 48, 48, 1], targets float32 [b, 7]."""

    def __init__(self, split: Split, recipe: Recipe, first_epoch: int, answers: TeacherAnswers | None = None) -> None:
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
        self._epoch = self._shuffled(first_epoch)

    def __len__(self) -> int:
        return math.ceil(len(self._split) / self._recipe.batch_size)

    def __getitem__(self, index: int) -> Batch:
        # Read once: whoever fetches may do it in a thread of its own, while the next epoch begins.
        epoch = self._epoch
        size = self._recipe.batch_size
        rows = epoch.order[index * size : (index + 1) * size]
        rng = np.random.default_rng((self._recipe.seed, epoch.number, index))
        limits = self._recipe.augmentation_in(epoch.number)
        view = self._recipe.view_in(epoch.number)
        views = [self._view_of(row, view, limits) for row in rows]
        faces = [shown.face for shown in views]
        harmed = np.stack([harm(face, limits, rng) for face in faces])[..., np.newaxis]
        told = self._told[self._recipe.vote_weight_in(epoch.number)]
        own = np.array([shown.own for shown in views], np.float32)[:, np.newaxis]
        taught = told[rows] * own + told[[shown.other for shown in views]] * (1 - own)
        weight = self._recipe.teacher_weight_in(epoch.number)
        if self._answers and weight:
            # It sees faces before they are harmed: the pupil learns to see through what the teacher never met.
            said = self._answers.about(view, rows, faces, keep=self._recipe.views_return)
            taught = (1 - weight) * taught + weight * said
        blend = Blend.drawn(len(rows), limits.mix_probability, rng)
        return blend.of(harmed), blend.of(taught)

    def _view_of(self, row: int, view: int, limits: Augmentation) -> _View:
        rng = np.random.default_rng((self._recipe.seed, view, row))
        face = move(self._split.images[row], limits, rng)
        if rng.random() >= limits.compose_probability:
            return _View(face, row, 1.0)
        other = int(rng.integers(len(self._split)))
        both, own = composed(face, move(self._split.images[other], limits, rng), rng)
        return _View(both, other, own)

    def go_to(self, epoch: int) -> None:
        """Show an epoch (from 0) from now on.

        Keras doesn't tell its number, and how often it calls ``on_epoch_begin`` and ``on_epoch_end`` before the first
        one depends on the backend.
        """
        self._epoch = self._shuffled(epoch)

    def _shuffled(self, epoch: int) -> _Epoch:
        order = np.random.default_rng((self._recipe.seed, epoch)).permutation(len(self._split))
        return _Epoch(epoch, order)
