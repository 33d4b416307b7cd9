"""Record how much a version's accuracy varies with the seed.

``python -m training.evaluation.seed_variance runs/a runs/b runs/c`` takes finished runs of one recipe that differ in
their seeds, and stores their results in the version's ``assets.extra/seeds.json``, from which ``make evaluate`` copies
them to the model card.
"""

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue, ValidationError

from training.config import Recipe, RecipeError, flatten, rename_recorded_keys
from training.evaluation.schema import SeedRun, SeedVariance
from training.export import registry
from training.export.registry import ModelError, ModelManifest
from training.io import write_atomic
from training.run_dir import RunDir, RunError

MIN_RUNS = 3


def seed_variance(runs: Sequence[RunDir], served: ModelManifest) -> SeedVariance:
    """Return mean and standard deviation of the validation accuracy after each run's last epoch.

    Args:
        runs: Three or more runs that differ in nothing but the seed.
        served: Manifest of the version that they represent.

    Raises:
        RunError: There are too few runs, one isn't finished, or they differ in more than their seeds.
        RecipeError: A run's recipe is damaged.
    """
    if len(runs) < MIN_RUNS:
        raise RunError(f"at least {MIN_RUNS} runs are needed, got {len(runs)}")
    recipes = [run.recipe().model_dump(mode="json") for run in runs]
    seeds = [int(recipe.pop("seed")) for recipe in recipes]
    for run, recipe in zip(runs, recipes, strict=True):
        if recipe != recipes[0] or _sources(run) != _sources(runs[0]):
            raise RunError(f"{run.path} differs from {runs[0].path} in more than its seed")
    if len(set(seeds)) < len(seeds):
        raise RunError(f"two runs have the same seed: {', '.join(map(str, seeds))}")
    accuracies = [_final_accuracy(run) for run in runs]
    return SeedVariance(
        runs=tuple(SeedRun(seed=seed, accuracy=accuracy) for seed, accuracy in zip(seeds, accuracies, strict=True)),
        mean=statistics.mean(accuracies),
        deviation=statistics.stdev(accuracies),
        differences=_recipe_differences(recipes[0], _current_recipe(served.recipe))
        | _source_differences(_sources(runs[0]), served),
    )


def _sources(run: RunDir) -> dict[str, str | None]:
    networks = run.source_networks()
    return {
        "data": run.data_digest(),
        "votes": run.votes_digest(),
        "teachers": networks.teachers,
        "initial weights": networks.init,
    }


def _source_differences(runs: Mapping[str, str | None], served: ModelManifest) -> dict[str, str]:
    sources = {
        "data": served.data_sha256,
        "votes": served.votes_sha256,
        "teachers": served.teachers_sha256,
        "initial weights": served.start_sha256,
    }
    return {name: "different" if runs[name] else "none" for name, source in sources.items() if runs[name] != source}


def _final_accuracy(run: RunDir) -> float:
    run.require_finished()
    history = run.history()
    if not history or "val_accuracy" not in history[-1]:
        raise RunError(f"{run.path} has no validation accuracy")
    return history[-1]["val_accuracy"]


def _current_recipe(recorded: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Return a recorded recipe with today's keys, and the defaults of keys added since."""
    renamed = rename_recorded_keys(recorded)
    try:
        return Recipe.model_validate(renamed).model_dump(mode="json")
    except ValidationError:  # a key that no longer exists, which is reported as a difference
        return renamed


def _recipe_differences(recipe: Mapping[str, JsonValue], served: Mapping[str, JsonValue]) -> dict[str, str]:
    missing = "not set"
    ours, theirs = dict(flatten(recipe)), dict(flatten(served))
    return {
        key: str(ours.get(key, missing))
        for key in sorted((ours.keys() | theirs.keys()) - {"seed"})
        if ours.get(key, missing) != theirs.get(key, missing)
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and store the results."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluation.seed_variance", description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="directories of finished runs")
    parser.add_argument("--model", type=Path, help="directory of a version (default: the highest in model_repo)")
    options = parser.parse_args(arguments)
    try:
        version = options.model or registry.latest_version_dir(registry.DEFAULT_REPOSITORY)
        variance = seed_variance([RunDir(path) for path in options.runs], registry.read_manifest(version))
        write_atomic(registry.seed_variance_path(version), variance.model_dump_json(indent=1) + "\n")
    except (ModelError, RecipeError, RunError, OSError) as error:
        sys.exit(f"seed-variance: {error}")
    print(f"{variance.mean:.1%} ± {variance.deviation:.1%}, stored in {registry.seed_variance_path(version)}")


if __name__ == "__main__":
    main()
