"""Trains one model: ``python -m training.train --data fer2013.csv --out runs/first``.

A run that was stopped at any moment goes on from its last whole epoch when started again with the
same ``--out``.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np
from numpy.typing import NDArray

from services.contracts.model import OUTPUT_PROBABILITIES
from training.batches import TrainingBatches, as_faces
from training.dataset import VALIDATION, DatasetError, Split, read_splits, require, training_rows
from training.muon import ConvolutionMuon
from training.network import ROWS_LSTM, build_network
from training.precision import precision
from training.recipe import DEFAULT_RECIPE, Recipe, RecipeError
from training.run_folder import RunError, RunFolder
from training.schedule import Trapezoid
from training.targets import targets
from training.teacher import read_teacher
from training.votes import votes_beside, with_votes


class _SaveEpoch(keras.callbacks.Callback):
    """Writes the model with its optimizer after each epoch, so that a kill loses one epoch at most."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self._folder = folder

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        # The history first: a row too many can be dropped on resuming, a missing one can't be found again.
        self._folder.append_epoch(epoch, {name: float(value) for name, value in (logs or {}).items()})
        checkpoint = self._folder.checkpoint
        partial = checkpoint.with_name(f"partial-{checkpoint.name}")
        self.model.save(partial)
        partial.replace(checkpoint)


def train(data: Path, recipe_path: Path, out: Path, teacher: Path | None = None) -> keras.Model:
    """Train, or go on training, and return the trained network.

    Args:
        data: The published ``fer2013.csv``.
        recipe_path: The recipe.
        out: Folder of the run.
        teacher: The file with a teacher's answers; without it label and votes are taught alone.

    Raises:
        DatasetError: The data can't be used.
        RecipeError: The recipe can't be used.
        RunError: ``out`` holds a run of another recipe or of other data, or its checkpoint is damaged.
        OSError: ``out`` can't be written.
    """
    print(f"reading {data}", flush=True)
    splits = read_splits(data)
    votes = votes_beside(data)
    if votes:
        splits = with_votes(splits, votes)
    print(f"votes: {votes or 'none, labels alone are taught'}", flush=True)
    validation = require(splits, VALIDATION, data)
    training, left_out = training_rows(splits, data)
    print(f"training rows: {len(training)} ({left_out} left out as duplicates)", flush=True)
    folder = RunFolder(out)
    recipe = folder.claim(recipe_path, data, votes, teacher)
    answers = _answers(teacher, training, folder) if teacher and recipe.asks_teacher else None
    print(f"teacher: {teacher if answers is not None else 'none'}", flush=True)
    with precision(recipe.precision):
        return _fit(recipe, training, answers, validation, folder)


def _answers(teacher: Path, training: Split, folder: RunFolder) -> NDArray[np.float32]:
    known = read_teacher(teacher)
    if known.data_sha256 != folder.data_digest() or len(known.probabilities) != len(training):
        raise RunError(f"{teacher} holds answers about other data")
    return known.probabilities


def _fit(
    recipe: Recipe, training: Split, teacher: NDArray[np.float32] | None, validation: Split, folder: RunFolder
) -> keras.Model:
    keras.utils.set_random_seed(recipe.seed)
    steps = math.ceil(len(training) / recipe.batch_size)
    model = _compiled(recipe, steps)
    done = _restore(model, folder.checkpoint, steps) if folder.checkpoint.exists() else 0
    folder.forget_from(done)
    print(f"epochs done: {done} of {recipe.epochs}", flush=True)
    if done < recipe.epochs:
        model.fit(
            TrainingBatches(training, recipe, first_epoch=done, teacher=teacher),
            validation_data=(as_faces(validation.images), targets(validation, vote_weight=0, label_smoothing=0)),
            validation_batch_size=256,
            initial_epoch=done,
            epochs=recipe.epochs,
            callbacks=[_SaveEpoch(folder)],
            shuffle=False,
            verbose=1 if sys.stdout.isatty() else 2,
        )
    return model


def _restore(model: keras.Model, checkpoint: Path, steps: int) -> int:
    """Put a checkpoint's weights and optimizer state into a compiled model; return its number of whole epochs.

    The model is built anew instead of loaded, because the file doesn't carry which variables the
    optimizer leaves out of weight decay: a loaded one would decay all of them.
    """
    model.optimizer.build(model.trainable_variables)
    try:
        model.load_weights(checkpoint)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise RunError(f"{checkpoint} can't be read: {error}") from error
    iterations = int(model.optimizer.iterations)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            # Nor does the file carry how many masks were drawn, one a step: without it their sequence starts anew.
            layer.seed_generator.state.assign([layer.seed, iterations])
    if iterations % steps:
        raise RunError(f"{checkpoint}: {iterations} steps are no whole number of epochs of {steps} steps")
    return iterations // steps


def _compiled(recipe: Recipe, steps: int) -> keras.Model:
    model = build_network(recipe.network, recipe.seed)
    schedule = Trapezoid(
        recipe.learning_rate,
        warmup_steps=round(steps * recipe.warmup_epochs),
        decay_steps=round(steps * recipe.decay_epochs),
        total_steps=steps * recipe.epochs,
    )
    optimizer = ConvolutionMuon(
        schedule,
        weight_decay=recipe.weight_decay,
        adam_weight_decay=recipe.weight_decay,
        # Orthogonalising that LSTM's wide kernels takes a third of a step, and the convolutions gain most by it.
        exclude_layers=[OUTPUT_PROBABILITIES, ROWS_LSTM],
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimizer, loss=keras.losses.CategoricalCrossentropy(), metrics=["accuracy"])
    return model


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the published fer2013.csv")
    parser.add_argument("--recipe", type=Path, default=DEFAULT_RECIPE)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--teacher", type=Path, help="file with a teacher's answers (`make teacher`)")
    options = parser.parse_args(arguments)
    try:
        train(options.data, options.recipe, options.out, options.teacher)
    except (DatasetError, RecipeError, RunError, OSError) as error:
        sys.exit(f"train: {error}")
    except KeyboardInterrupt:
        sys.exit("train: stopped; the same command goes on from the last whole epoch")


if __name__ == "__main__":
    main()
