"""Record how much a version's accuracy varies with the seed.

``python -m training.evaluation.seed_variance runs/a runs/b runs/c``

Takes finished runs of one recipe which differ in their seeds, and keeps how each ended in the version's
``assets.extra/seeds.json``, from where ``make evaluate`` puts it into the model card.
"""

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue, ValidationError

from training.config import Recipe, RecipeError, flat
from training.evaluation.schema import SeedFigures, SeedRun
from training.export import registry
from training.export.registry import ModelPaper
from training.io import write_whole
from training.run_dir import RunError, RunFolder

LEAST_RUNS = 3


def seed_figures(runs: Sequence[RunFolder], served: ModelPaper) -> SeedFigures:
    """Return mean and spread of the accuracy on validation after each run's last epoch.

    Args:
        runs: Three or more, alike in everything but the seed.
        served: What is noted of the version that they stand for.

    Raises:
        RunError: There are too few, one isn't finished, or they differ in more than their seeds.
        RecipeError: A run's recipe is damaged.
    """
    if len(runs) < LEAST_RUNS:
        raise RunError(f"the spread takes {LEAST_RUNS} runs or more, got {len(runs)}")
    recipes = [run.recipe().model_dump(mode="json") for run in runs]
    seeds = [int(recipe.pop("seed")) for recipe in recipes]
    for run, recipe in zip(runs, recipes, strict=True):
        if recipe != recipes[0] or _made_from(run) != _made_from(runs[0]):
            raise RunError(f"{run.path} differs from {runs[0].path} in more than its seed")
    if len(set(seeds)) < len(seeds):
        raise RunError(f"two runs have the same seed: {', '.join(map(str, seeds))}")
    accuracies = [_last_accuracy(run) for run in runs]
    return SeedFigures(
        runs=tuple(SeedRun(seed=seed, accuracy=right) for seed, right in zip(seeds, accuracies, strict=True)),
        mean=statistics.mean(accuracies),
        deviation=statistics.stdev(accuracies),
        differences=_differences(recipes[0], _as_read_now(served.recipe)) | _other_sources(_made_from(runs[0]), served),
    )


def _made_from(run: RunFolder) -> dict[str, str | None]:
    networks = run.networks()
    return {
        "data": run.data_digest(),
        "votes": run.votes_digest(),
        "teachers": networks.teachers,
        "start": networks.start,
    }


def _other_sources(runs: Mapping[str, str | None], served: ModelPaper) -> dict[str, str]:
    """Tell which of what the runs were made from isn't what the version was made from."""
    sources = {
        "data": served.data_sha256,
        "votes": served.votes_sha256,
        "teachers": served.teachers_sha256,
        "start": served.start_sha256,
    }
    return {name: "others" if runs[name] else "none" for name, source in sources.items() if runs[name] != source}


def _last_accuracy(run: RunFolder) -> float:
    run.require_finished()
    history = run.history()
    if not history or "val_accuracy" not in history[-1]:
        raise RunError(f"{run.path} holds no accuracy on validation")
    return history[-1]["val_accuracy"]


def _as_read_now(served: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Return a recipe with the settings that came after it, which it left as they are by default."""
    try:
        return Recipe.model_validate(served).model_dump(mode="json")
    except ValidationError:  # it holds what no recipe holds any more, which is a difference to tell
        return served


def _differences(recipe: Mapping[str, JsonValue], served: Mapping[str, JsonValue]) -> dict[str, str]:
    missing = "not set"
    ours, theirs = dict(flat(recipe)), dict(flat(served))
    return {
        key: str(ours.get(key, missing))
        for key in sorted((ours.keys() | theirs.keys()) - {"seed"})
        if ours.get(key, missing) != theirs.get(key, missing)
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluation.seed_variance", description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of finished runs")
    parser.add_argument("--model", type=Path, help="folder of a version; by default the highest in model_repo")
    options = parser.parse_args(arguments)
    try:
        folder = options.model or registry.highest(registry.REPOSITORY)
        figures = seed_figures([RunFolder(path) for path in options.runs], registry.read_paper(folder))
        write_whole(registry.seeds_paper(folder), figures.model_dump_json(indent=1) + "\n")
    except (registry.ModelError, RecipeError, RunError, OSError) as error:
        sys.exit(f"seeds: {error}")
    print(f"{figures.mean:.1%} ± {figures.deviation:.1%}, kept in {registry.seeds_paper(folder)}")


if __name__ == "__main__":
    main()
