"""Asks a trained run about every training face: ``python -m training.teach --run runs/teacher --data fer2013.csv``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from services.contracts.emotions import EMOTIONS
from training.augment import augment
from training.dataset import DatasetError, read_splits, training_rows
from training.progress import progress
from training.recipe import RecipeError
from training.run_folder import RunError, RunFolder
from training.teacher import Teacher, write_teacher
from training.trained import trained_network

_SEED = 1
_COPIES = 8


def teach(run: Path, data: Path, out: Path, copies: int = _COPIES) -> None:
    """Write a run's answers about the training rows, each the mean over changed copies of a face.

    Args:
        run: Folder of the run; faces are changed as its recipe says.
        data: The published ``fer2013.csv``.
        out: The file to write.
        copies: How many copies of each face are asked about.

    Raises:
        DatasetError: The data can't be used.
        RecipeError, RunError: The run can't be used, or was trained on other data.
        OSError: ``out`` can't be written.
    """
    folder = RunFolder(run)
    recipe, digest = folder.recipe(), folder.require_data(data)
    network = trained_network(folder.checkpoint, recipe, recipe.precision)
    rows, _ = training_rows(read_splits(data), data)
    rng = np.random.default_rng(_SEED)
    total = np.zeros((len(rows), len(EMOTIONS)), np.float32)
    for _ in progress(range(copies), "asking about every face"):
        faces = np.stack([augment(image, recipe.augmentation, rng) for image in rows.images])
        total += network.predict(faces[..., np.newaxis], batch_size=256, verbose=0)
    write_teacher(out, Teacher(total / np.float32(copies), digest))
    right = float((total.argmax(axis=1) == rows.labels).mean())
    print(f"{out}: answers about {len(rows):,} faces; {right:.1%} of them name the label")


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and ask."""
    parser = argparse.ArgumentParser(prog="python -m training.teach", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the teacher's training run")
    parser.add_argument("--data", type=Path, required=True, help="the published fer2013.csv")
    parser.add_argument("--out", type=Path, required=True, help="file to write, ending in .npz")
    options = parser.parse_args(arguments)
    try:
        teach(options.run, options.data, options.out)
    except (DatasetError, RecipeError, RunError, OSError) as error:
        sys.exit(f"teach: {error}")


if __name__ == "__main__":
    main()
