"""Training batches. The order and the augmentation of an epoch depend on seed and epoch alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from training.config import Augmentation, Recipe
from training.data.augmentation import Mixup, composite, degrade, geometric_augment
from training.data.fer2013 import Split
from training.data.ferplus import training_targets

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]


class SoftTargets(Protocol):
    """Teacher probabilities of augmented faces."""

    def get(
        self, view: int, rows: NDArray[np.int64], faces: Sequence[NDArray[np.uint8]], keep: bool
    ) -> NDArray[np.float32]:
        """Return the teachers' probabilities of a view of some rows.

        Args:
            view: Number of the view.
            rows: int64 [b], indices into the split.
            faces: b faces, uint8 [48, 48].
            keep: Whether to cache the result, because the view is shown again.

        Returns:
            float32 [b, 7].
        """
        ...


@dataclass(frozen=True)
class _View:
    """An augmented face, uint8 [48, 48], possibly a composite with another row's face.

    Attributes:
        face: The image.
        partner: Index of the row with the other face; the row itself if there is none.
        weight: Weight of the row's own face.
    """

    face: NDArray[np.uint8]
    partner: int
    weight: float


@dataclass(frozen=True)
class _Epoch:
    """An epoch's number, from 0, and its order of the rows, int64 [n]."""

    number: int
    order: NDArray[np.int64]


class TrainingBatches(keras.utils.PyDataset):
    """Augmented, shuffled batches: faces float32 [b, 48, 48, 1], targets float32 [b, 7]."""

    def __init__(self, split: Split, recipe: Recipe, first_epoch: int, soft_targets: SoftTargets | None = None) -> None:
        """Create the batches.

        Args:
            split: The rows to train on.
            recipe: The recipe.
            first_epoch: Counted from 0.
            soft_targets: Teacher probabilities of the split's rows, if the recipe uses teachers.
        """
        super().__init__(workers=1, use_multiprocessing=False)
        self._split = split
        self._label_targets = {
            weight: training_targets(split, weight, recipe.label_smoothing)
            for weight in {recipe.soft_label_weight_at(epoch) for epoch in range(first_epoch, recipe.epochs)}
        }
        self._soft_targets = soft_targets
        self._recipe = recipe
        self._epoch = self._shuffled(first_epoch)

    def __len__(self) -> int:
        return math.ceil(len(self._split) / self._recipe.batch_size)

    def __getitem__(self, index: int) -> Batch:
        # Read once: Keras may fetch batches in another thread while the next epoch begins.
        epoch = self._epoch
        size = self._recipe.batch_size
        rows = epoch.order[index * size : (index + 1) * size]
        rng = np.random.default_rng((self._recipe.seed, epoch.number, index))
        limits = self._recipe.augmentation_at(epoch.number)
        view_number = self._recipe.view_at(epoch.number)
        views = [self._view(row, view_number, limits) for row in rows]
        faces = [view.face for view in views]
        degraded = np.stack([degrade(face, limits, rng) for face in faces])[..., np.newaxis]
        label_targets = self._label_targets[self._recipe.soft_label_weight_at(epoch.number)]
        weight = np.array([view.weight for view in views], np.float32)[:, np.newaxis]
        targets = label_targets[rows] * weight + label_targets[[view.partner for view in views]] * (1 - weight)
        teacher_weight = self._recipe.teacher_weight_at(epoch.number)
        if self._soft_targets and teacher_weight:
            # Teachers get the faces before they are degraded: the student learns to be robust to degradation.
            teacher_probs = self._soft_targets.get(view_number, rows, faces, keep=self._recipe.caches_views)
            targets = (1 - teacher_weight) * targets + teacher_weight * teacher_probs
        mixup = Mixup.sample(len(rows), limits.mixup_probability, rng)
        return mixup.apply(degraded), mixup.apply(targets)

    def set_epoch(self, epoch: int) -> None:
        """Select the epoch (from 0) to serve.

        Keras doesn't pass its number, and the number of calls of ``on_epoch_begin`` and ``on_epoch_end`` before the
        first epoch depends on the backend.
        """
        self._epoch = self._shuffled(epoch)

    def _view(self, row: int, view_number: int, limits: Augmentation) -> _View:
        rng = np.random.default_rng((self._recipe.seed, view_number, row))
        face = geometric_augment(self._split.images[row], limits, rng)
        if rng.random() >= limits.cutmix_probability:
            return _View(face, row, 1.0)
        partner = int(rng.integers(len(self._split)))
        combined, weight = composite(face, geometric_augment(self._split.images[partner], limits, rng), rng)
        return _View(combined, partner, weight)

    def _shuffled(self, epoch: int) -> _Epoch:
        order = np.random.default_rng((self._recipe.seed, epoch)).permutation(len(self._split))
        return _Epoch(epoch, order)
