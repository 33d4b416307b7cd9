"""Import a model version as a finished run, to initialise or teach other runs.

``python -m training.import_run --out runs/served`` imports the highest version in ``model_repo``.
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
from training.io import atomic_directory
from training.models.cnn_bilstm import build_network
from training.run_dir import RunDir, RunError


def import_run(version: Path, out: Path) -> RunDir:
    """Write the weights and the recipe of a version as a finished run.

    The run can't be resumed: a version doesn't contain the optimizer's state.

    Raises:
        ModelError: The directory holds no version, or its weights don't fit the network of its recipe.
        RunError: ``out`` exists.
        OSError: ``out`` can't be written.
    """
    manifest = registry.read_manifest(version)
    recipe = registry.recorded_recipe(version, manifest)
    network = build_network(recipe.network, recipe.seed)
    _load_weights(network, version)
    if out.exists():
        raise RunError(f"{out} exists; choose another directory")
    with atomic_directory(out) as partial:
        run = RunDir(partial)
        run.create_finished(_as_toml(recipe.model_dump(mode="json", exclude_none=True)), manifest.data_sha256)
        network.save(run.checkpoint)
    return RunDir(out)


def _load_weights(network: keras.Model, version: Path) -> None:
    """Copy the weights of a version into a network.

    They are constants of its graph, in the order in which the export listed the network's variables. The check at the
    end compares the outputs of both.
    """
    served = ServedModel(version)
    variables = [*network.trainable_variables, *network.non_trainable_variables]
    weights = served.constants()[: len(variables)]
    if [values.shape for values in weights] != [tuple(variable.shape) for variable in variables]:
        raise ModelError(f"the weights of {version} don't fit the network of its recipe")
    for variable, values in zip(variables, weights, strict=True):
        variable.assign(values)
    faces = np.random.default_rng(1).random((4, *FACE_SHAPE), np.float32)
    difference = float(np.abs(served.predict_uncalibrated(faces) - np.asarray(network(faces, training=False))).max())
    # "not <=" rejects NaN too.
    if not difference <= TOLERANCE:
        raise ModelError(f"the outputs of the imported network differ from those of {version} by {difference:.1e}")


def _as_toml(settings: Mapping[str, JsonValue], table: str = "") -> str:
    """Return a recipe as TOML; numbers, booleans, strings and arrays are written as in JSON."""
    plain = [f"{key} = {json.dumps(value)}" for key, value in settings.items() if not isinstance(value, dict)]
    tables = {f"{table}{key}": value for key, value in settings.items() if isinstance(value, dict)}
    return "\n".join([*plain, *(f"\n[{name}]\n{_as_toml(value, f'{name}.')}" for name, value in tables.items())])


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and import a version."""
    parser = argparse.ArgumentParser(prog="python -m training.import_run", description=__doc__)
    parser.add_argument("--model", type=Path, help="directory of a version (default: the highest in model_repo)")
    parser.add_argument("--out", type=Path, required=True, help="directory of the run to create")
    options = parser.parse_args(arguments)
    try:
        import_run(options.model or registry.latest_version_dir(registry.DEFAULT_REPOSITORY), options.out)
    except (ModelError, RunError, OSError) as error:
        sys.exit(f"import-run: {error}")
    print(f"created {options.out}: use it as INIT_FROM or in TEACHERS")


if __name__ == "__main__":
    main()
