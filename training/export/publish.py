"""Makes a version of the model out of a training run."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from services.contracts.emotions import EMOTIONS
from services.contracts.model import MODEL_NAME
from training.config import Pretrained
from training.data.fer2013 import VALIDATION, Split
from training.data.splits import as_faces, read_training_data
from training.export import registry
from training.export.registry import ModelError
from training.export.saved_model import MAX_BYTES, check_saved_model, write_saved_model, write_warmup
from training.io import appearing_whole, libraries, revision
from training.models.calibration import TARGET_ACCURACY, Confidence, fitted_confidence
from training.models.weights import trained_network
from training.run_dir import RunError, RunFolder


def publish(run: Path, data: Path, models: Path, version: int, max_bytes: int = MAX_BYTES) -> Path:
    """Export a run's checkpoint as ``<models>/emotion/<version>/`` and return that folder.

    The folder appears whole or not at all, so that a model server never loads half a version.

    Raises:
        ModelError: The version exists, a GPU is visible, no threshold reaches the target, or what was
            written doesn't keep the contract.
        RunError: The folder holds no run that can be used, one that isn't finished, or one on other data.
        RecipeError, DatasetError: The recipe or the data can't be used.
        OSError: A file can't be read or written.
    """
    target = registry.version_folder(models, version)
    if target.exists():
        raise ModelError(f"{target} exists; a version never changes: choose another number")
    if tf.config.list_physical_devices("GPU"):
        raise ModelError("a GPU is visible, and its kernels would get into the model: set CUDA_VISIBLE_DEVICES to ''")
    folder = RunFolder(run)
    folder.require_finished()
    recipe, networks = folder.recipe(), folder.networks()
    if isinstance(recipe.network, Pretrained):
        raise ModelError(
            f"{run} holds {recipe.network.pretrained}, not the network that is served: it can teach, not serve"
        )
    if recipe.network.width != 1:
        raise ModelError(f"{run} is {recipe.network.width} times as wide as what is served: it can teach, not serve")
    network = trained_network(folder.checkpoint, recipe)
    made_from = read_training_data(data)
    folder.require_data(made_from.digests)
    confidence = _confidence(network, made_from.validation)
    paper = registry.ModelPaper(
        name=MODEL_NAME,
        version=version,
        recipe=recipe.model_dump(mode="json"),
        last_epoch=_last_epoch(folder),
        data_sha256=made_from.digests.data,
        votes_sha256=folder.votes_digest(),
        teachers_sha256=networks.teachers,
        start_sha256=networks.start,
        training_faces=len(made_from.training),
        left_out=made_from.left_out,
        calibration=confidence.calibration,
        threshold=confidence.threshold,
        threshold_rule=f"{TARGET_ACCURACY:.0%} of the reliable answers about {VALIDATION} are right",
        validation=confidence.figures,
        parameters=network.count_params(),
        revision=revision(),
        libraries=libraries(),
        trained_with=folder.software(),
    )
    with appearing_whole(target) as partial:
        write_saved_model(network, confidence.calibration, confidence.threshold, partial)
        _write_papers(partial, paper)
        check_saved_model(partial, network, confidence.calibration, max_bytes)
    return target


def _last_epoch(folder: RunFolder) -> dict[str, float]:
    history = folder.history()
    if not history:
        raise RunError(f"{folder.path} holds no history")
    return history[-1]


def _confidence(network: keras.Model, split: Split) -> Confidence:
    probabilities = network.predict(as_faces(split.images), batch_size=256, verbose=0)
    found = fitted_confidence(probabilities, split.labels.astype(np.int64))
    if found is None:
        raise ModelError(f"no threshold makes {TARGET_ACCURACY:.0%} of the answers right: train it further")
    return found


def _write_papers(folder: Path, paper: registry.ModelPaper) -> None:
    registry.model_paper(folder).parent.mkdir()
    registry.model_paper(folder).write_text(paper.model_dump_json(indent=1) + "\n", encoding="utf-8")
    registry.labels_paper(folder).write_text("".join(f"{emotion}\n" for emotion in EMOTIONS), encoding="utf-8")
    write_warmup(registry.warmup_requests(folder))
