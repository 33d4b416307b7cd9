"""Puts a loaded model to everything that is measured with faces."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.detection import DetectedFace
from services.detector.detect import detect
from services.detector.searches import default_search
from services.detector.where import Where
from training.calibration import FOLDS, cross_fitted
from training.confidence import TARGET_ACCURACY
from training.dataset import Split
from training.faces import as_faces
from training.figures import RobustnessFigures, SizeFigures
from training.metrics import Labels
from training.report import Judged, Predictions
from training.robustness import changes, robustness
from training.served_model import ServedModel
from training.whole_way import SIDES_PX, Way, whole_way

_PIXEL_LIMIT = 40_000_000
_SUBSET_SEED = 1


def judged(model: ServedModel, split: Split) -> Judged:
    """Return what a model says about a split, each face by a calibration and a threshold fitted without it."""
    held_out = cross_fitted(model.uncalibrated(as_faces(split.images)), split.labels.astype(np.int64), TARGET_ACCURACY)
    return Judged(Predictions(held_out.probabilities, held_out.reliable), FOLDS)


def robustness_of(model: ServedModel, split: Split) -> list[RobustnessFigures]:
    """Return a model's accuracy under each change."""
    return list(robustness(split, lambda faces: _predict(model, faces), changes()))


def whole_way_of(model: ServedModel, split: Split, most: int | None) -> list[SizeFigures]:
    """Return how faces of each size do through the detector that is published, and a model.

    Args:
        model: The model.
        split: The faces.
        most: How many of them, chosen by chance; None for all.
    """
    chosen = np.zeros(len(split), np.bool_)
    chosen[np.random.default_rng(_SUBSET_SEED).permutation(len(split))[:most]] = True
    some = split.select(chosen)
    direct = _predict(model, as_faces(some.images))
    search = default_search()
    # As in the detector, and so that the figures are the same on every machine.
    cv2.setNumThreads(1)

    def find(picture: bytes) -> Sequence[DetectedFace]:
        return detect(picture, Where(), search, _PIXEL_LIMIT).faces

    way = Way(find, lambda faces: _predict(model, faces))
    return [whole_way(some, direct, way, side) for side in SIDES_PX]


def _predict(model: ServedModel, faces: NDArray[np.float32]) -> Labels:
    labels: Labels = model.answer(faces).probabilities.argmax(axis=1)
    return labels
