"""Trains one model: ``python -m training.train --data fer2013.csv --out runs/first``.

A run that was stopped at any moment goes on from its last whole epoch when started again with the
same ``--out``.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import keras

from services.contracts.model import OUTPUT_PROBABILITIES
from training.config import DEFAULT_RECIPE, Pretrained, Recipe, RecipeError, read_recipe
from training.data.batches import TrainingBatches
from training.data.fer2013 import DatasetError
from training.data.ferplus import targets, votes_beside
from training.data.splits import TrainingData, as_faces, read_training_data
from training.io import libraries, revision
from training.models.cnn_bilstm import ROWS_LSTM, build_network
from training.models.distillation import Teacher, TeacherAnswers, read_teachers
from training.models.efficientnet import imagenet_network
from training.models.optimizers import ConvolutionMuon, Trapezoid
from training.models.weights import TowardsStart, load_weights, precision, trained_network, weights_digest
from training.run_dir import Networks, RunError, RunFolder


class _ShowEpoch(keras.callbacks.Callback):
    """Tells the batches which epoch begins, before Keras fetches the first of them."""

    def __init__(self, batches: TrainingBatches) -> None:
        super().__init__()
        self._batches = batches

    def on_epoch_begin(self, epoch: int, _: dict[str, float] | None = None) -> None:
        self._batches.go_to(epoch)


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


def train(
    data: Path, recipe_path: Path, out: Path, teachers: Sequence[Path] = (), start: Path | None = None
) -> keras.Model:
    """Train, or go on training, and return the trained network.

    Args:
        data: The published ``fer2013.csv``.
        recipe_path: The recipe.
        out: Folder of the run.
        teachers: Folders of finished runs that teach this one, where the recipe asks teachers.
        start: Folder of a finished run whose weights are the first ones, instead of chance.

    Raises:
        DatasetError: The data can't be used.
        RecipeError: The recipe, or that of another run that is needed, can't be used, or it needs other runs than
            those that were named.
        RunError: ``out`` holds a run of another recipe, of other data or with other networks, or a checkpoint that is
            needed is missing, damaged or of another network.
        OSError: ``out`` can't be written.
    """
    recipe, folder = read_recipe(recipe_path), RunFolder(out)
    if folder.is_finished and folder.checkpoint.exists() and not folder.history():
        raise RunError(f"{out} holds weights alone, as `make unpack` writes them: start another run from it")
    asked, first = [RunFolder(path) for path in teachers], RunFolder(start) if start else None
    _require_what_it_needs(recipe, recipe_path, bool(asked), first is not None)
    others = [*asked, *([first] if first else [])]
    for other in others:
        other.require_finished()
    made_from = _read(data)
    for other in others:
        other.require_data(made_from.digests)
    teacher = read_teachers(asked, recipe.precision) if asked else None
    print(f"teachers: {', '.join(str(run.path) for run in asked) or 'none'}", flush=True)
    with precision(recipe.precision):
        network = _first_network(first, recipe)
        # Weights of ImageNet need no digest: recipe and seed tell them, all but those that backends draw each its way.
        networks = Networks(teacher.digest if teacher else None, weights_digest(network) if first and network else None)
        if folder.claim(recipe_path, made_from.digests, networks) != recipe:
            raise RecipeError(f"{recipe_path} was changed after it was read; start again")
        folder.note_software(_software())
        model = _fit(recipe, made_from, teacher, folder, network)
    folder.finish()
    return model


def _require_what_it_needs(recipe: Recipe, path: Path, teachers: bool, start: bool) -> None:
    if recipe.asks_teacher and not teachers:
        raise RecipeError(f"{path} asks teachers, and none is named")
    if teachers and not recipe.asks_teacher:
        raise RecipeError(f"{path} asks no teachers, and some are named")
    if recipe.start_share and not start:
        raise RecipeError(f"{path} mixes the start's weights into the last ones, and no start is named")


def _read(data: Path) -> TrainingData:
    votes = votes_beside(data)
    print(f"reading {data}, votes: {votes or 'none, labels alone are taught'}", flush=True)
    read = read_training_data(data, votes)
    print(
        f"rows: {len(read.training):,} to train on ({read.left_out:,} left out as duplicates),"
        f" {len(read.validation):,} to validate on",
        flush=True,
    )
    for doubt in read.doubts:
        print(f"train: {data}: {doubt}", file=sys.stderr, flush=True)
    return read


def _software() -> dict[str, str]:
    commit = revision()
    return {"backend": keras.backend.backend(), **libraries(), **({"revision": commit} if commit else {})}


def _first_network(start: RunFolder | None, recipe: Recipe) -> keras.Model | None:
    if start is None:
        return imagenet_network(recipe.network, recipe.seed) if isinstance(recipe.network, Pretrained) else None
    if start.recipe().network != recipe.network:
        raise RunError(f"{start.path} holds a run of another network; a run can't start from it")
    return trained_network(start.checkpoint, recipe)


def _fit(
    recipe: Recipe,
    made_from: TrainingData,
    teacher: Teacher | None,
    folder: RunFolder,
    start: keras.Model | None,
) -> keras.Model:
    training, validation = made_from.training, made_from.validation
    keras.utils.set_random_seed(recipe.seed)
    steps = math.ceil(len(training) / recipe.batch_size)
    model = _compiled(recipe, steps)
    if folder.checkpoint.exists():
        done = _restore(model, folder.checkpoint, steps)
    else:
        done = 0
        if start is not None:
            model.set_weights(start.get_weights())
    folder.forget_from(done)
    print(f"epochs done: {done} of {recipe.epochs}", flush=True)
    if done < recipe.epochs:
        folder.reopen()
        answers = TeacherAnswers(teacher, len(training), folder.answers) if teacher else None
        batches = TrainingBatches(training, recipe, done, answers)
        model.fit(
            batches,
            validation_data=(as_faces(validation.images), targets(validation, vote_weight=0, label_smoothing=0)),
            validation_batch_size=256,
            initial_epoch=done,
            epochs=recipe.epochs,
            callbacks=[
                _ShowEpoch(batches),
                *_towards(start, recipe),
                _SaveEpoch(folder),
            ],
            shuffle=False,
            verbose=1 if sys.stdout.isatty() else 2,
        )
    return model


def _towards(start: keras.Model | None, recipe: Recipe) -> list[keras.callbacks.Callback]:
    if start is None or not recipe.start_share:
        return []
    return [TowardsStart(start.get_weights(), recipe.start_share, recipe.epochs - 1)]


def _restore(model: keras.Model, checkpoint: Path, steps: int) -> int:
    """Put a checkpoint's weights and optimizer state into a compiled model; return its number of whole epochs.

    The model is built anew instead of loaded, because the file doesn't carry which variables the
    optimizer leaves out of weight decay: a loaded one would decay all of them.
    """
    model.optimizer.build(model.trainable_variables)
    load_weights(model, checkpoint)
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
    optimizer = _optimizer(recipe, schedule)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimizer, loss=keras.losses.CategoricalCrossentropy(), metrics=["accuracy"])
    return model


def _optimizer(recipe: Recipe, schedule: Trapezoid) -> keras.Optimizer:
    if isinstance(recipe.network, Pretrained):
        return keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    return ConvolutionMuon(
        schedule,
        weight_decay=recipe.weight_decay,
        adam_weight_decay=recipe.weight_decay,
        # Orthogonalising that LSTM's wide kernels takes a third of a step, and the convolutions gain most by it.
        exclude_layers=[OUTPUT_PROBABILITIES, ROWS_LSTM],
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the published fer2013.csv")
    parser.add_argument("--recipe", type=Path, default=DEFAULT_RECIPE)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--teachers", type=Path, nargs="+", default=[], help="folders of finished runs to learn from")
    parser.add_argument("--start", type=Path, help="folder of a finished run whose weights to start with")
    options = parser.parse_args(arguments)
    try:
        train(options.data, options.recipe, options.out, options.teachers, options.start)
    except (DatasetError, RecipeError, RunError, OSError) as error:
        sys.exit(f"train: {error}")
    except KeyboardInterrupt:
        sys.exit("train: stopped; the same command goes on from the last whole epoch")


if __name__ == "__main__":
    main()
