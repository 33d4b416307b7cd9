"""End-to-end accuracy: faces in a synthetic camera image, through the detector's own code and the model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.contracts.detection import DetectedFace, model_input
from services.contracts.geometry import iou
from training.data.fer2013 import Split
from training.data.synthetic_scenes import FACES_PER_SCENE, render_scene
from training.evaluation.schema import EndToEndResult
from training.io import progress
from training.metrics import Labels

SIDES_PX = (96, 144, 240)
MIN_IOU = 0.4
"""Intersection over union from which a detected box is matched with a face."""

Detect = Callable[[bytes], Sequence[DetectedFace]]
"""An encoded image → the faces in it, the surest first."""

Predict = Callable[[NDArray[np.float32]], Labels]
"""Faces float32 [n, 48, 48, 1] → class indices [n]."""


@dataclass(frozen=True)
class Pipeline:
    """A detector and a model."""

    detect: Detect
    predict: Predict


def evaluate_end_to_end(split: Split, direct: Labels, pipeline: Pipeline, side: int) -> EndToEndResult:
    """Render each face of a split into a scene, and compare the pipeline's answers with the labels.

    Args:
        split: The faces.
        direct: The model's answers for the faces of the dataset, [n].
        pipeline: Detector and model.
        side: Pixels per side of a face in its scene.
    """
    rng = np.random.default_rng(side)
    starts = range(0, len(split), FACES_PER_SCENE)
    detected: list[int] = []
    faces_found: list[DetectedFace] = []
    for start in progress(starts, f"scenes with faces of {side} pixels"):
        scene = render_scene(list(split.images[start : start + FACES_PER_SCENE]), side, rng)
        faces = pipeline.detect(scene.jpeg)
        for offset, box in enumerate(scene.boxes):
            face = next((face for face in faces if iou(face.box, box) >= MIN_IOU), None)
            if face is not None:
                detected.append(start + offset)
                faces_found.append(face)
    result = EndToEndResult(
        side_px=side, faces=len(split), detected=len(detected) / len(split), accuracy=None, direct_accuracy=None
    )
    if not detected:
        return result
    labels = split.labels[detected]
    return result.model_copy(
        update={
            "accuracy": float(np.mean(pipeline.predict(model_input(faces_found)) == labels)),
            "direct_accuracy": float(np.mean(direct[detected] == labels)),
        }
    )
