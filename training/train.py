"""Trains one model: ``python -m training.train --data fer2013.csv --out runs/first``.

A run that was stopped at any moment goes on from its last whole epoch when started again with the
same ``--out``.
"""

import argparse
import csv
import math
import sys
from pathlib import Path

import keras

from training.batches import TrainingBatches, as_faces, one_hot
from training.dataset import TRAINING, VALIDATION, DatasetError, Split, read_splits, without_duplicates
from training.network import build_network
from training.recipe import DEFAULT_RECIPE, Recipe, read_recipe

CHECKPOINT = "checkpoint.keras"
HISTORY = "history.csv"
RECIPE = "recipe.toml"


class _SaveEpoch(keras.callbacks.Callback):
    """Writes the model with its optimizer after each epoch, so that a kill loses one epoch at most."""

    def __init__(self, out: Path) -> None:
        super().__init__()
        self._out = out

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        _append_history(self._out / HISTORY, epoch, logs or {})
        partial = self._out / f"partial-{CHECKPOINT}"
        self.model.save(partial)
        partial.replace(self._out / CHECKPOINT)


def train(data: Path, recipe_path: Path, out: Path) -> keras.Model:
    """Train, or go on training, and return the trained network.

    Raises:
        DatasetError: The data can't be used.
        ValueError: ``out`` holds a run of another recipe.
    """
    recipe = _claim(out, recipe_path)
    splits = read_splits(data)
    for usage in (TRAINING, VALIDATION):
        if usage not in splits:
            raise DatasetError(f"{data}: no rows with usage {usage}")
    validation = splits[VALIDATION]
    training = without_duplicates(splits[TRAINING], *(split for usage, split in splits.items() if usage != TRAINING))
    print(f"training rows: {len(training)} ({len(splits[TRAINING]) - len(training)} left out as duplicates)")
    return _fit(recipe, training, validation, out)


def _fit(recipe: Recipe, training: Split, validation: Split, out: Path) -> keras.Model:
    keras.utils.set_random_seed(recipe.seed)
    keras.mixed_precision.set_global_policy(recipe.precision)
    steps = math.ceil(len(training) / recipe.batch_size)
    model = _resumed(out) or _compiled(recipe, steps)
    done = int(model.optimizer.iterations) // steps
    _trim_history(out / HISTORY, done)
    if done < recipe.epochs:
        model.fit(
            TrainingBatches(training, recipe, first_epoch=done),
            validation_data=(as_faces(validation.images), one_hot(validation.labels)),
            validation_batch_size=256,
            initial_epoch=done,
            epochs=recipe.epochs,
            callbacks=[_SaveEpoch(out)],
            shuffle=False,
            verbose=1 if sys.stdout.isatty() else 2,
        )
    return model


def _claim(out: Path, recipe_path: Path) -> Recipe:
    recipe = read_recipe(recipe_path)
    kept = out / RECIPE
    if kept.exists() and read_recipe(kept) != recipe:
        raise ValueError(f"{out} holds a run of another recipe; choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    kept.write_text(recipe_path.read_text())
    return recipe


def _resumed(out: Path) -> keras.Model | None:
    path = out / CHECKPOINT
    return keras.models.load_model(path) if path.exists() else None


def _compiled(recipe: Recipe, steps: int) -> keras.Model:
    model = build_network(recipe.network, recipe.seed)
    warmup = round(steps * recipe.warmup_epochs)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.learning_rate / 100,
        decay_steps=max(1, steps * recipe.epochs - warmup),
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(
        optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
    )
    return model


def _append_history(path: Path, epoch: int, logs: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as stream:
        writer = csv.writer(stream)
        if new:
            writer.writerow(["epoch", *sorted(logs)])
        writer.writerow([epoch, *(f"{float(logs[name]):.6f}" for name in sorted(logs))])


def _trim_history(path: Path, epochs: int) -> None:
    """Drop rows of epochs that the checkpoint doesn't hold: the run was killed between the two writes."""
    if path.exists():
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines[: epochs + 1]))


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the published fer2013.csv")
    parser.add_argument("--recipe", type=Path, default=DEFAULT_RECIPE)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    arguments = parser.parse_args()
    try:
        train(arguments.data, arguments.recipe, arguments.out)
    except (DatasetError, ValueError) as error:
        sys.exit(f"train: {error}")


if __name__ == "__main__":
    main()
