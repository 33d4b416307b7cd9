"""Measures the whole way of a face: on a camera's picture, through the detector's own code, into the model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.contracts.detection import DetectedFace
from services.contracts.geometry import overlap
from training.data.fer2013 import Split
from training.data.synthetic_scenes import FACES_PER_SCENE, scene_of
from training.evaluation.schema import SizeFigures
from training.io import progress
from training.metrics import Labels

SIDES_PX = (96, 144, 240)
SAME_PLACE = 0.4
"""Intersection over union of a box and a face's frame from which the box is about that face."""

Detect = Callable[[bytes], Sequence[DetectedFace]]
"""An encoded picture → the faces in it, the surest first."""

Predict = Callable[[NDArray[np.float32]], Labels]
"""Faces float32 [n, 48, 48, 1] → the answers, class indices [n]."""


@dataclass(frozen=True)
class Way:
    """What a picture passes.

    Attributes:
        detect: Finds faces.
        predict: Says what they show.
    """

    detect: Detect
    predict: Predict


def whole_way(split: Split, direct: Labels, way: Way, side: int) -> SizeFigures:
    """Put each face of a split into a scene, and see what comes out at the other end.

    Args:
        split: The faces.
        direct: What the model says of each as the dataset has it, [n].
        way: Detector and model.
        side: Pixels that a face measures in its scene.
    """
    rng = np.random.default_rng(side)
    starts = range(0, len(split), FACES_PER_SCENE)
    found: list[int] = []
    pixels: list[NDArray[np.float32]] = []
    for start in progress(starts, f"scenes with faces of {side} pixels"):
        scene = scene_of(list(split.images[start : start + FACES_PER_SCENE]), side, rng)
        faces = way.detect(scene.jpeg)
        for offset, frame in enumerate(scene.frames):
            face = next((face for face in faces if overlap(face.box, frame) >= SAME_PLACE), None)
            if face is not None:
                found.append(start + offset)
                pixels.append(face.pixels)
    figures = SizeFigures(
        side_px=side, faces=len(split), found=len(found) / len(split), accuracy=None, direct_accuracy=None
    )
    if not found:
        return figures
    labels = split.labels[found]
    return figures.model_copy(
        update={
            "accuracy": float(np.mean(way.predict(np.stack(pixels)) == labels)),
            "direct_accuracy": float(np.mean(direct[found] == labels)),
        }
    )
