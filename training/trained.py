"""Gets the network out of a run."""

import hashlib
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
    load_weights(network, checkpoint)
    return network


def load_weights(network: keras.Model, checkpoint: Path) -> None:
    """Put a checkpoint's weights into a network, and its optimizer's state where that was built.

    Raises:
        RunError: The checkpoint is damaged, or of another network.
    """
    try:
        network.load_weights(checkpoint)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise RunError(f"{checkpoint} can't be read: {error}") from error


def weights_digest(network: keras.Model) -> str:
    """Return a SHA-256 of a network's weights, which is the same wherever and whenever they were saved."""
    digest = hashlib.sha256()
    for values in network.get_weights():
        digest.update(values.tobytes())
    return digest.hexdigest()
