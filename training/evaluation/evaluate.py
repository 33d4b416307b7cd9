"""Evaluate an exported model: ``python -m training.evaluation.evaluate --data fer2013.csv``.

Prints the figures, stores them in the version's ``assets.extra/evaluation.json`` and, for the highest version, rewrites
the figures and charts of the model card.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from services.contracts.detection import DetectedFace
from services.detector.options import DetectOptions, SearchSettings
from services.detector.pipeline import detect
from services.detector.search import create_face_detector
from training.config import Recipe
from training.data.fer2013 import VALIDATION, DatasetError, Split, check_published, read_splits, require_usage
from training.data.splits import to_model_input
from training.evaluation.charts import confusion_matrix_chart, reliability_diagram
from training.evaluation.end_to_end import SIDES_PX, Pipeline, evaluate_end_to_end
from training.evaluation.latency import measure_in_subprocess
from training.evaluation.model_card import (
    CONFUSION_MATRIX_FILE,
    RELIABILITY_DIAGRAM_FILE,
    CardError,
    render_figures,
    update_figures,
)
from training.evaluation.robustness import corruptions, evaluate_robustness
from training.evaluation.schema import (
    CrossValidated,
    EndToEndResult,
    Evaluation,
    Measurements,
    ModelInfo,
    Provenance,
    RobustnessResult,
    SeedVariance,
    build_evaluation,
)
from training.export import registry
from training.export.registry import ModelError, ModelManifest
from training.export.served_model import ServedModel
from training.io import write_atomic
from training.metrics import Labels, Predictions
from training.models.calibration import FOLDS, TARGET_ACCURACY, cross_fit

_MAX_PIXELS = 40_000_000
_SUBSET_SEED = 1


def evaluate(data: Path, version: Path, scene_faces: int | None = None) -> Evaluation:
    """Evaluate a version on ``PublicTest`` and store the figures in its directory.

    Args:
        data: The published ``fer2013.csv``.
        version: Directory of a version.
        scene_faces: Number of random faces for the end-to-end evaluation at each size (default: all).

    Raises:
        DatasetError: The data can't be used.
        ModelError: The directory holds no exported model, or its metadata is damaged.
        OSError: A file can't be read or written.
    """
    manifest, seed_variance = registry.read_manifest(version), _read_seed_variance(version)
    recipe = registry.recorded_recipe(version, manifest)
    latency = measure_in_subprocess(version)
    model = ServedModel(version)
    validation = require_usage(read_splits(data), VALIDATION, data)
    for warning in check_published({VALIDATION: validation}):
        print(f"evaluate: {data}: {warning}", file=sys.stderr, flush=True)
    evaluation = build_evaluation(
        _model_info(version, manifest, recipe),
        VALIDATION,
        validation,
        cross_validated(model, validation),
        Measurements(
            end_to_end=measure_end_to_end(model, validation, scene_faces),
            robustness=measure_robustness(model, validation),
            latency=latency,
            seed_variance=seed_variance,
        ),
    )
    write_atomic(registry.evaluation_path(version), evaluation.model_dump_json(indent=1) + "\n")
    return evaluation


def update_card(version: Path, evaluation: Evaluation) -> str:
    """Rewrite figures and charts of the model card if the version is the served one; return a message for the user.

    Raises:
        CardError: The card has no markers for the figures.
        OSError: The card can't be read or written.
    """
    repository = version.resolve().parents[1]
    card = repository / registry.CARD
    versions = registry.list_versions(repository)
    if not card.exists() or not versions:
        return f"{repository} is not a model repository with a card: no card was updated"
    if evaluation.version != versions[-1]:
        return f"{card} describes a higher version: not updated"
    updated = update_figures(card.read_text(encoding="utf-8"), evaluation)
    write_atomic(repository / CONFUSION_MATRIX_FILE, confusion_matrix_chart(evaluation.confusion))
    write_atomic(repository / RELIABILITY_DIAGRAM_FILE, reliability_diagram(evaluation.reliability))
    write_atomic(card, updated)
    if f"\n## Version {evaluation.version}\n" not in updated:
        return f"updated the figures in {card}; its section “Version {evaluation.version}” must be written by hand"
    return f"updated the figures in {card}"


def cross_validated(model: ServedModel, split: Split) -> CrossValidated:
    """Return predictions for a split; calibration and threshold of each face are fitted without it."""
    probabilities = model.predict_uncalibrated(to_model_input(split.images))
    held_out = cross_fit(probabilities, split.labels.astype(np.int64), TARGET_ACCURACY)
    return CrossValidated(Predictions(held_out.probabilities, held_out.reliable), FOLDS)


def measure_robustness(model: ServedModel, split: Split) -> list[RobustnessResult]:
    """Return a model's accuracy under each corruption."""
    return list(evaluate_robustness(split, lambda faces: _predict(model, faces), corruptions()))


def measure_end_to_end(model: ServedModel, split: Split, max_faces: int | None) -> list[EndToEndResult]:
    """Return the results of the detector's own code and a model for faces of each size.

    Args:
        model: The model.
        split: The faces.
        max_faces: Number of faces, chosen at random; None for all.
    """
    chosen = np.zeros(len(split), np.bool_)
    chosen[np.random.default_rng(_SUBSET_SEED).permutation(len(split))[:max_faces]] = True
    subset = split.select(chosen)
    direct = _predict(model, to_model_input(subset.images))
    detector = create_face_detector(SearchSettings())
    # As in the detector; it also makes the figures independent of the machine.
    cv2.setNumThreads(1)

    def detect_faces(jpeg: bytes) -> Sequence[DetectedFace]:
        return detect(jpeg, DetectOptions(), detector, _MAX_PIXELS).faces

    pipeline = Pipeline(detect_faces, lambda faces: _predict(model, faces))
    return [evaluate_end_to_end(subset, direct, pipeline, side) for side in SIDES_PX]


def _predict(model: ServedModel, faces: NDArray[np.float32]) -> Labels:
    labels: Labels = model.predict(faces).probabilities.argmax(axis=1)
    return labels


def _model_info(version: Path, manifest: ModelManifest, recipe: Recipe) -> ModelInfo:
    last_epoch = recipe.epochs - 1
    weights = (recipe.soft_label_weight_at(0), recipe.soft_label_weight_at(last_epoch))
    return ModelInfo(
        version=manifest.version,
        bytes_on_disk=registry.size_on_disk(version),
        threshold=manifest.threshold,
        threshold_rule=manifest.threshold_rule,
        provenance=Provenance(
            data_sha256=manifest.data_sha256,
            training_faces=manifest.training_faces,
            left_out=manifest.left_out,
            soft_label_weights=weights if manifest.votes_sha256 else (0.0, 0.0),
            init_sha256=manifest.start_sha256,
            teachers_sha256=tuple((manifest.teachers_sha256 or "").split()),
            teacher_weight=recipe.teacher_weight_at(last_epoch),
            init_weight=recipe.init_weight,
            epochs=recipe.epochs,
            seed=recipe.seed,
        ),
    )


def _read_seed_variance(version: Path) -> SeedVariance | None:
    path = registry.seed_variance_path(version)
    if not path.exists():
        return None
    try:
        return SeedVariance.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise ModelError(f"{path}: {error}") from error


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and evaluate."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluation.evaluate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the published fer2013.csv")
    parser.add_argument("--model", type=Path, help="directory of a version (default: the highest in model_repo)")
    parser.add_argument(
        "--scene-faces", type=_count, metavar="N", help="number of faces in scenes at each size (default: all)"
    )
    options = parser.parse_args(arguments)
    try:
        version = options.model or registry.latest_version_dir(registry.DEFAULT_REPOSITORY)
        evaluation = evaluate(options.data, version, options.scene_faces)
        print(render_figures(evaluation))
        print(f"\nstored in {registry.evaluation_path(version)}\n{update_card(version, evaluation)}")
    except (CardError, DatasetError, ModelError, OSError) as error:
        sys.exit(f"evaluate: {error}")


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return count


if __name__ == "__main__":
    main()
