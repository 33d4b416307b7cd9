"""Turns a version back into a run, to start others from or to teach them.

``python -m training.import_run --out runs/served`` takes the highest version in ``model_repo``.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from pydantic import JsonValue

from services.contracts.model import FACE_SHAPE
from training.export import registry
from training.export.registry import ModelError
from training.export.saved_model import TOLERANCE
from training.export.served_model import ServedModel
from training.io import appearing_whole
from training.models.cnn_bilstm import build_network
from training.run_dir import RunError, RunFolder


def unpack(version: Path, out: Path) -> RunFolder:
    """Write a version's weights and recipe as a run, and return its folder.

    The run can't go on: what its optimizer knew isn't part of a version.

    Raises:
        ModelError: The folder holds no version, or its weights can't be told.
        RunError: ``out`` exists.
        OSError: ``out`` can't be written.
    """
    paper = registry.read_paper(version)
    recipe = registry.recipe_of(version, paper)
    network = build_network(recipe.network, recipe.seed)
    _fill(network, version)
    if out.exists():
        raise RunError(f"{out} exists; choose another folder")
    with appearing_whole(out) as partial:
        folder = RunFolder(partial)
        folder.keep(_as_toml(recipe.model_dump(mode="json", exclude_none=True)), paper.data_sha256)
        network.save(folder.checkpoint)
    return RunFolder(out)


def _fill(network: keras.Model, version: Path) -> None:
    """Put a version's weights into a network.

    They are constants of its graph, in the order in which the export went through the network's variables. Whether
    that still holds is seen by asking both.
    """
    served = ServedModel(version)
    variables = [*network.trainable_variables, *network.non_trainable_variables]
    weights = served.constants()[: len(variables)]
    if [values.shape for values in weights] != [tuple(variable.shape) for variable in variables]:
        raise ModelError(f"{version} holds other weights than the network of its recipe")
    for variable, values in zip(variables, weights, strict=True):
        variable.assign(values)
    faces = np.random.default_rng(1).random((4, *FACE_SHAPE), np.float32)
    difference = float(np.abs(served.uncalibrated(faces) - np.asarray(network(faces, training=False))).max())
    # Written this way round, so that NaN is refused too.
    if not difference <= TOLERANCE:
        raise ModelError(f"the network of {version}'s weights differs from it by {difference:.1e}")


def _as_toml(settings: Mapping[str, JsonValue], table: str = "") -> str:
    """Return a recipe's settings as TOML; numbers, booleans, texts and lists of them look there as in JSON."""
    plain = [f"{key} = {json.dumps(value)}" for key, value in settings.items() if not isinstance(value, dict)]
    tables = {f"{table}{key}": value for key, value in settings.items() if isinstance(value, dict)}
    return "\n".join([*plain, *(f"\n[{name}]\n{_as_toml(value, f'{name}.')}" for name, value in tables.items())])


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and unpack."""
    parser = argparse.ArgumentParser(prog="python -m training.import_run", description=__doc__)
    parser.add_argument("--model", type=Path, help="folder of a version; by default the highest in model_repo")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run to make")
    options = parser.parse_args(arguments)
    try:
        unpack(options.model or registry.highest(registry.REPOSITORY), options.out)
    except (ModelError, RunError, OSError) as error:
        sys.exit(f"unpack: {error}")
    print(f"{options.out}: a run to start others from (START) or to teach them (TEACHERS)")


if __name__ == "__main__":
    main()
