"""Evaluate an exported model: ``python -m training.evaluation.evaluate --data fer2013.csv``.

Prints the figures, keeps them in the version's ``assets.extra/evaluation.json`` and, for the highest
version, rewrites the figures and pictures of the model card.
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
from services.detector.options import Where
from services.detector.pipeline import detect
from services.detector.searches import default_search
from training.config import Recipe
from training.data.fer2013 import VALIDATION, DatasetError, Split, read_splits, require, unlike_published
from training.data.splits import as_faces
from training.evaluation.charts import confusion_picture, reliability_picture
from training.evaluation.end_to_end import SIDES_PX, Way, whole_way
from training.evaluation.latency import measured_alone
from training.evaluation.model_card import CONFUSION_PICTURE, RELIABILITY_PICTURE, CardError, figures, with_figures
from training.evaluation.robustness import changes, robustness
from training.evaluation.schema import (
    Evaluation,
    Judged,
    Measured,
    Predictions,
    Provenance,
    RobustnessFigures,
    SeedFigures,
    SizeFigures,
    Subject,
    evaluation_of,
)
from training.export import registry
from training.export.registry import ModelError
from training.export.served_model import ServedModel
from training.io import write_whole
from training.metrics import Labels
from training.models.calibration import FOLDS, TARGET_ACCURACY, cross_fitted

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


def evaluate(data: Path, folder: Path, scene_faces: int | None = None) -> Evaluation:
    """Evaluate a version on ``PublicTest`` and keep the figures beside it.

    Args:
        data: The published ``fer2013.csv``.
        folder: A version's.
        scene_faces: How many faces, chosen by chance, go the whole way at each size; by default all.

    Raises:
        DatasetError: The data can't be used.
        ModelError: The folder holds no exported model, or a paper of it is damaged.
        OSError: A file can't be read or written.
    """
    paper, seeds = registry.read_paper(folder), _seeds(folder)
    recipe = registry.recipe_of(folder, paper)
    speed = measured_alone(folder)
    model = ServedModel(folder)
    validation = require(read_splits(data), VALIDATION, data)
    for doubt in unlike_published({VALIDATION: validation}):
        print(f"evaluate: {data}: {doubt}", file=sys.stderr, flush=True)
    evaluation = evaluation_of(
        _subject(folder, paper, recipe),
        VALIDATION,
        validation,
        judged(model, validation),
        Measured(
            whole_way=whole_way_of(model, validation, scene_faces),
            robustness=robustness_of(model, validation),
            speed=speed,
            seeds=seeds,
        ),
    )
    write_whole(registry.evaluation_paper(folder), evaluation.model_dump_json(indent=1) + "\n")
    return evaluation


def update_card(folder: Path, evaluation: Evaluation) -> str:
    """Put figures and pictures into the model card if the version is the served one; tell in a sentence what was done.

    Raises:
        CardError: The card has no place for the figures.
        OSError: The card can't be read or written.
    """
    models = folder.resolve().parents[1]
    card = models / registry.CARD
    versions = registry.versions(models)
    if not card.exists() or not versions:
        return f"{models} is no repository with a card: no card was rewritten"
    if evaluation.version != versions[-1]:
        return f"{card} is about a higher version: left as it is"
    renewed = with_figures(card.read_text(encoding="utf-8"), evaluation)
    write_whole(models / CONFUSION_PICTURE, confusion_picture(evaluation.confusion))
    write_whole(models / RELIABILITY_PICTURE, reliability_picture(evaluation.reliability))
    write_whole(card, renewed)
    if f"\n## Version {evaluation.version}\n" not in renewed:
        return f"rewrote the figures in {card}; its part “Version {evaluation.version}” is to be written by hand"
    return f"rewrote the figures in {card}"


def _subject(folder: Path, paper: registry.ModelPaper, recipe: Recipe) -> Subject:
    return Subject(
        version=paper.version,
        bytes_on_disk=registry.bytes_on_disk(folder),
        threshold=paper.threshold,
        threshold_rule=paper.threshold_rule,
        provenance=Provenance(
            data_sha256=paper.data_sha256,
            training_faces=paper.training_faces,
            left_out=paper.left_out,
            vote_shares=(recipe.vote_weight_in(0), recipe.vote_weight_in(recipe.epochs - 1))
            if paper.votes_sha256
            else (0.0, 0.0),
            start_sha256=paper.start_sha256,
            teachers_sha256=tuple((paper.teachers_sha256 or "").split()),
            teachers_share=recipe.teacher_weight_in(recipe.epochs - 1),
            start_share=recipe.start_share,
            epochs=recipe.epochs,
            seed=recipe.seed,
        ),
    )


def _seeds(folder: Path) -> SeedFigures | None:
    path = registry.seeds_paper(folder)
    if not path.exists():
        return None
    try:
        return SeedFigures.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise ModelError(f"{path}: {error}") from error


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and evaluate."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluation.evaluate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the published fer2013.csv")
    parser.add_argument("--model", type=Path, help="folder of a version; by default the highest in model_repo")
    parser.add_argument(
        "--scene-faces", type=_count, metavar="N", help="so many faces go through scenes at each size; by default all"
    )
    options = parser.parse_args(arguments)
    try:
        folder = options.model or registry.highest(registry.REPOSITORY)
        evaluation = evaluate(options.data, folder, options.scene_faces)
        print(figures(evaluation))
        print(f"\nkept in {registry.evaluation_paper(folder)}\n{update_card(folder, evaluation)}")
    except (CardError, DatasetError, ModelError, OSError) as error:
        sys.exit(f"evaluate: {error}")


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least one face is needed")
    return count


if __name__ == "__main__":
    main()
