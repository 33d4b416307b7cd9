"""Gets the network out of a run."""

from pathlib import Path
from zipfile import BadZipFile

import keras

from training.network import build_network
from training.precision import precision
from training.recipe import Recipe
from training.run_folder import RunError


def trained_network(checkpoint: Path, recipe: Recipe, arithmetic: str = "float32") -> keras.Model:
    """Return the network of a checkpoint, in this arithmetic whatever it was trained in.

    Raises:
        RunError: The checkpoint is missing, damaged, or of another network than the recipe's.
    """
    if not checkpoint.exists():
        raise RunError(f"{checkpoint} is missing: no epoch has ended yet")
    with precision(arithmetic):
        network = build_network(recipe.network, recipe.seed)
    try:
        network.load_weights(checkpoint)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise RunError(f"{checkpoint} can't be read: {error}") from error
    return network
