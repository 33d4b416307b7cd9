"""Evaluates an exported model: ``python -m training.evaluate --data fer2013.csv --model model_repo/emotion/1``.

Prints the figures, keeps them in the version's ``assets.extra/evaluation.json`` and, for the highest
version, rewrites the figures of the model card.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from training import repository
from training.batches import as_faces
from training.card import CardError, figures, with_figures
from training.dataset import TRAINING, VALIDATION, DatasetError, Split, read_splits, require, without_duplicates
from training.files import sha256_of, write_whole
from training.report import Evaluation, Subject, evaluation_of
from training.served_model import ModelError, ServedModel


def evaluate(data: Path, folder: Path) -> Evaluation:
    """Evaluate a version on ``PublicTest`` and keep the figures beside it.

    Raises:
        DatasetError: The data can't be used.
        ModelError: The folder holds no exported model.
        OSError: A file can't be read or written.
    """
    splits = read_splits(data)
    validation = require(splits, VALIDATION, data)
    model = ServedModel(folder)
    subject = _subject(folder, data, splits)
    evaluation = evaluation_of(subject, VALIDATION, validation, model.answer(as_faces(validation.images)))
    write_whole(repository.evaluation_paper(folder), evaluation.model_dump_json(indent=1) + "\n")
    return evaluation


def update_card(folder: Path, evaluation: Evaluation) -> str:
    """Put the figures into the model card if the version is the served one; tell in a sentence what was done.

    Raises:
        CardError: The card has no place for the figures.
        OSError: The card can't be read or written.
    """
    models = folder.resolve().parents[1]
    card = models / repository.CARD
    if not card.exists():
        return f"there is no {card}: no card was rewritten"
    if evaluation.version != max(repository.versions(models)):
        return f"{card} is about a higher version: left as it is"
    write_whole(card, with_figures(card.read_text(encoding="utf-8"), evaluation))
    return f"rewrote the figures in {card}"


def _subject(folder: Path, data: Path, splits: dict[str, Split]) -> Subject:
    path = repository.model_paper(folder)
    try:
        paper = repository.ModelPaper.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; was the model made by `make export`?") from error
    except ValidationError as error:
        raise ModelError(f"{path}: {error}") from error
    training, later = splits.get(TRAINING), [split for usage, split in splits.items() if usage != TRAINING]
    kept = len(without_duplicates(training, *later)) if training else 0
    return Subject(
        version=paper.version,
        bytes_on_disk=repository.bytes_on_disk(folder),
        threshold=paper.threshold,
        threshold_rule=paper.threshold_rule,
        data_sha256=sha256_of(data),
        training_faces=kept,
        left_out=len(training) - kept if training else 0,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and evaluate."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the published fer2013.csv")
    parser.add_argument("--model", type=Path, help="folder of a version; by default the highest in model_repo")
    options = parser.parse_args(arguments)
    try:
        folder = options.model or _highest()
        evaluation = evaluate(options.data, folder)
        print(figures(evaluation))
        print(f"\nkept in {repository.evaluation_paper(folder)}\n{update_card(folder, evaluation)}")
    except (CardError, DatasetError, ModelError, OSError) as error:
        sys.exit(f"evaluate: {error}")


def _highest() -> Path:
    found = repository.versions(repository.REPOSITORY)
    if not found:
        raise ModelError(f"{repository.REPOSITORY} holds no version of the model; `make export` makes one")
    return repository.version_folder(repository.REPOSITORY, found[-1])


if __name__ == "__main__":
    main()
