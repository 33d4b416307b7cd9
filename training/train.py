"""Train one model: ``python -m training.train --data fer2013.csv --out runs/first``.

The same command resumes a run that was stopped, from its last complete epoch.
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
from training.data.ferplus import find_votes, training_targets
from training.data.splits import TrainingData, read_training_data, to_model_input
from training.io import git_revision, library_versions
from training.models.cnn_bilstm import ROWS_LSTM, build_network
from training.models.distillation import SoftTargetCache, Teacher, load_teachers
from training.models.efficientnet import load_imagenet_network
from training.models.optimizers import ConvMuon, TrapezoidalSchedule
from training.models.weights import (
    InterpolateWithInit,
    dtype_policy,
    load_trained_network,
    load_weights,
    weights_digest,
)
from training.run_dir import RunDir, RunError, SourceNetworks


class _SetBatchEpoch(keras.callbacks.Callback):
    """Sets the epoch of the batches before Keras fetches the first one."""

    def __init__(self, batches: TrainingBatches) -> None:
        super().__init__()
        self._batches = batches

    def on_epoch_begin(self, epoch: int, _: dict[str, float] | None = None) -> None:
        self._batches.set_epoch(epoch)


class _SaveCheckpoint(keras.callbacks.Callback):
    """Saves the model with its optimizer after each epoch, so that a killed run loses one epoch at most."""

    def __init__(self, run: RunDir) -> None:
        super().__init__()
        self._run = run

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        # The history comes first: a row without a checkpoint is dropped on resuming, a missing row would be lost.
        self._run.append_epoch(epoch, {name: float(value) for name, value in (logs or {}).items()})
        checkpoint = self._run.checkpoint
        partial = checkpoint.with_name(f"partial-{checkpoint.name}")
        self.model.save(partial)
        partial.replace(checkpoint)


def train(
    data: Path, recipe_path: Path, out: Path, teachers: Sequence[Path] = (), init_from: Path | None = None
) -> keras.Model:
    """Train, or resume training, and return the trained network.

    Args:
        data: The published ``fer2013.csv``.
        recipe_path: The recipe.
        out: Directory of the run.
        teachers: Directories of finished runs that serve as teachers, if the recipe uses teachers.
        init_from: Directory of a finished run to take the initial weights from (default: random initialisation).

    Raises:
        DatasetError: The data can't be used.
        RecipeError: A recipe can't be used, or it needs other runs than those given.
        RunError: ``out`` holds a run with another recipe, other data or other networks, or a checkpoint that is needed
            is missing, damaged or of another network.
        OSError: ``out`` can't be written.
    """
    recipe, run = read_recipe(recipe_path), RunDir(out)
    if run.is_finished and run.checkpoint.exists() and not run.history():
        raise RunError(f"{out} was written by `make import-run` and can't be resumed: use it as INIT_FROM")
    teacher_runs, init_run = [RunDir(path) for path in teachers], RunDir(init_from) if init_from else None
    _check_inputs(recipe, recipe_path, bool(teacher_runs), init_run is not None)
    source_runs = [*teacher_runs, *([init_run] if init_run else [])]
    for source in source_runs:
        source.require_finished()
    training_data = _read(data)
    for source in source_runs:
        source.require_data(training_data.digests)
    teacher = load_teachers(teacher_runs, recipe.precision) if teacher_runs else None
    print(f"teachers: {', '.join(str(source.path) for source in teacher_runs) or 'none'}", flush=True)
    with dtype_policy(recipe.precision):
        initial = _initial_network(init_run, recipe)
        # ImageNet weights need no digest: recipe and seed determine them, except the layers that each backend draws.
        digest = weights_digest(initial) if init_run and initial else None
        sources = SourceNetworks(teacher.digest if teacher else None, digest)
        if run.create_or_resume(recipe_path, training_data.digests, sources) != recipe:
            raise RecipeError(f"{recipe_path} changed after it was read; run the command again")
        run.record_environment(_environment())
        model = _fit(recipe, training_data, teacher, run, initial)
    run.mark_finished()
    return model


def _check_inputs(recipe: Recipe, path: Path, has_teachers: bool, has_init: bool) -> None:
    if recipe.uses_teachers and not has_teachers:
        raise RecipeError(f"{path} uses teachers, but none are given")
    if has_teachers and not recipe.uses_teachers:
        raise RecipeError(f"{path} uses no teachers, but some are given")
    if recipe.init_weight and not has_init:
        raise RecipeError(f"{path} sets init_weight, but no initial run is given")


def _read(path: Path) -> TrainingData:
    votes = find_votes(path)
    print(f"reading {path}, votes: {votes or 'none, training on labels alone'}", flush=True)
    data = read_training_data(path, votes)
    print(
        f"rows: {len(data.training):,} for training ({data.left_out:,} left out as duplicates),"
        f" {len(data.validation):,} for validation",
        flush=True,
    )
    for warning in data.warnings:
        print(f"train: {path}: {warning}", file=sys.stderr, flush=True)
    return data


def _environment() -> dict[str, str]:
    revision = git_revision()
    versions = {"backend": keras.backend.backend(), **library_versions()}
    return {**versions, "revision": revision} if revision else versions


def _initial_network(init_run: RunDir | None, recipe: Recipe) -> keras.Model | None:
    if init_run is None:
        return load_imagenet_network(recipe.network, recipe.seed) if isinstance(recipe.network, Pretrained) else None
    if init_run.recipe().network != recipe.network:
        raise RunError(f"{init_run.path} is a run of another network: its weights can't initialise this one")
    return load_trained_network(init_run.checkpoint, recipe)


def _fit(
    recipe: Recipe, data: TrainingData, teacher: Teacher | None, run: RunDir, initial: keras.Model | None
) -> keras.Model:
    training, validation = data.training, data.validation
    keras.utils.set_random_seed(recipe.seed)
    steps = math.ceil(len(training) / recipe.batch_size)
    model = _compiled(recipe, steps)
    if run.checkpoint.exists():
        done = _restore(model, run.checkpoint, steps)
    else:
        done = 0
        if initial is not None:
            model.set_weights(initial.get_weights())
    run.truncate_history(done)
    print(f"epochs done: {done} of {recipe.epochs}", flush=True)
    if done < recipe.epochs:
        run.mark_unfinished()
        soft_targets = SoftTargetCache(teacher, len(training), run.soft_targets) if teacher else None
        batches = TrainingBatches(training, recipe, done, soft_targets)
        validation_targets = training_targets(validation, soft_label_weight=0, label_smoothing=0)
        model.fit(
            batches,
            validation_data=(to_model_input(validation.images), validation_targets),
            validation_batch_size=256,
            initial_epoch=done,
            epochs=recipe.epochs,
            callbacks=[
                _SetBatchEpoch(batches),
                *_interpolation_callbacks(initial, recipe),
                _SaveCheckpoint(run),
            ],
            shuffle=False,
            verbose=1 if sys.stdout.isatty() else 2,
        )
    return model


def _interpolation_callbacks(initial: keras.Model | None, recipe: Recipe) -> list[keras.callbacks.Callback]:
    if initial is None or not recipe.init_weight:
        return []
    return [InterpolateWithInit(initial.get_weights(), recipe.init_weight, recipe.epochs - 1)]


def _restore(model: keras.Model, checkpoint: Path, steps: int) -> int:
    """Load a checkpoint's weights and optimizer state into a compiled model; return the number of complete epochs.

    The model is rebuilt instead of loaded: the file doesn't contain which variables the optimizer excludes from weight
    decay, so a loaded optimizer would decay all of them.
    """
    model.optimizer.build(model.trainable_variables)
    load_weights(model, checkpoint)
    iterations = int(model.optimizer.iterations)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            # The file doesn't contain the number of masks drawn, one a step, either.
            layer.seed_generator.state.assign([layer.seed, iterations])
    if iterations % steps:
        raise RunError(f"{checkpoint}: {iterations} steps are not a whole number of epochs of {steps} steps")
    return iterations // steps


def _compiled(recipe: Recipe, steps: int) -> keras.Model:
    model = build_network(recipe.network, recipe.seed)
    schedule = TrapezoidalSchedule(
        recipe.learning_rate,
        warmup_steps=round(steps * recipe.warmup_epochs),
        decay_steps=round(steps * recipe.decay_epochs),
        total_steps=steps * recipe.epochs,
    )
    optimizer = _optimizer(recipe, schedule)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimizer, loss=keras.losses.CategoricalCrossentropy(), metrics=["accuracy"])
    return model


def _optimizer(recipe: Recipe, schedule: TrapezoidalSchedule) -> keras.Optimizer:
    if isinstance(recipe.network, Pretrained):
        return keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    return ConvMuon(
        schedule,
        weight_decay=recipe.weight_decay,
        adam_weight_decay=recipe.weight_decay,
        # Orthogonalising the wide kernels of that LSTM takes a third of a step; the convolutions gain most from Muon.
        exclude_layers=[OUTPUT_PROBABILITIES, ROWS_LSTM],
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the published fer2013.csv")
    parser.add_argument("--recipe", type=Path, default=DEFAULT_RECIPE, help="the recipe (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="directory of the run")
    parser.add_argument(
        "--teachers", type=Path, nargs="+", default=[], help="directories of finished runs to learn from"
    )
    parser.add_argument("--init-from", type=Path, help="directory of a finished run with the initial weights")
    options = parser.parse_args(arguments)
    try:
        train(options.data, options.recipe, options.out, options.teachers, options.init_from)
    except (DatasetError, RecipeError, RunError, OSError) as error:
        sys.exit(f"train: {error}")
    except KeyboardInterrupt:
        sys.exit("train: interrupted; the same command resumes from the last complete epoch")


if __name__ == "__main__":
    main()
