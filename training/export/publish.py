"""Publish a training run as a version of the model."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from services.contracts.emotions import EMOTIONS
from services.contracts.model import MODEL_NAME
from training.config import Pretrained
from training.data.fer2013 import VALIDATION, Split
from training.data.splits import read_training_data, to_model_input
from training.export import registry
from training.export.registry import ModelError, ModelManifest
from training.export.saved_model import MAX_BYTES, check_saved_model, write_saved_model, write_warmup
from training.io import atomic_directory, git_revision, library_versions
from training.models.calibration import TARGET_ACCURACY, Confidence, fit_confidence
from training.models.weights import load_trained_network
from training.run_dir import RunDir, RunError


def publish(run_path: Path, data: Path, repository: Path, version: int, max_bytes: int = MAX_BYTES) -> Path:
    """Export a run's checkpoint as ``<repository>/emotion/<version>/`` and return that directory.

    The directory is created atomically, so that a model server never loads an incomplete version.

    Raises:
        ModelError: The version exists, a GPU is visible, no threshold reaches the target, or the exported model
            violates the contract.
        RunError: The directory holds no usable run, an unfinished run, or one on other data.
        RecipeError: The recipe can't be used.
        DatasetError: The data can't be used.
        OSError: A file can't be read or written.
    """
    target = registry.version_dir(repository, version)
    if target.exists():
        raise ModelError(f"{target} exists and a version never changes; choose another number")
    if tf.config.list_physical_devices("GPU"):
        raise ModelError("a GPU is visible, so the model could contain GPU kernels; set CUDA_VISIBLE_DEVICES to ''")
    run = RunDir(run_path)
    run.require_finished()
    recipe, sources = run.recipe(), run.source_networks()
    if isinstance(recipe.network, Pretrained):
        raise ModelError(f"{run_path} is a run of {recipe.network.pretrained}, which can be a teacher but not served")
    if recipe.network.width != 1:
        raise ModelError(f"{run_path} has width {recipe.network.width}, which can be a teacher but not served")
    network = load_trained_network(run.checkpoint, recipe)
    training_data = read_training_data(data)
    run.require_data(training_data.digests)
    confidence = _confidence(network, training_data.validation)
    manifest = ModelManifest(
        name=MODEL_NAME,
        version=version,
        recipe=recipe.model_dump(mode="json"),
        last_epoch=_last_epoch(run),
        data_sha256=training_data.digests.data,
        votes_sha256=run.votes_digest(),
        teachers_sha256=sources.teachers,
        start_sha256=sources.init,
        training_faces=len(training_data.training),
        left_out=training_data.left_out,
        calibration=confidence.calibration,
        threshold=confidence.threshold,
        threshold_rule=f"{TARGET_ACCURACY:.0%} of the reliable answers on {VALIDATION} are correct",
        validation=confidence.metrics,
        parameters=network.count_params(),
        revision=git_revision(),
        libraries=library_versions(),
        trained_with=run.environment(),
    )
    with atomic_directory(target) as partial:
        write_saved_model(network, confidence.calibration, confidence.threshold, partial)
        _write_metadata(partial, manifest)
        check_saved_model(partial, network, confidence.calibration, max_bytes)
    return target


def _last_epoch(run: RunDir) -> dict[str, float]:
    history = run.history()
    if not history:
        raise RunError(f"{run.path} has no history")
    return history[-1]


def _confidence(network: keras.Model, split: Split) -> Confidence:
    probabilities = network.predict(to_model_input(split.images), batch_size=256, verbose=0)
    confidence = fit_confidence(probabilities, split.labels.astype(np.int64))
    if confidence is None:
        raise ModelError(f"no threshold makes {TARGET_ACCURACY:.0%} of the answers correct; train further")
    return confidence


def _write_metadata(directory: Path, manifest: ModelManifest) -> None:
    registry.manifest_path(directory).parent.mkdir()
    registry.manifest_path(directory).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    registry.labels_path(directory).write_text("".join(f"{emotion}\n" for emotion in EMOTIONS), encoding="utf-8")
    write_warmup(registry.warmup_path(directory))
