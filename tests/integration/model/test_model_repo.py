"""Check the served version of the model against the contract.

``MODEL_REPO`` names another repository than ``model_repo/``, to try a version before it is put there.
"""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from services.contracts.emotions import EMOTIONS
from services.contracts.model import FACE_SHAPE, MODEL_NAME, SIGNATURE_NAME
from training.evaluation.model_card import render_figures
from training.evaluation.schema import Evaluation
from training.export import registry
from training.export.served_model import ServedModel
from training.metrics import Predictions

ROOT = Path(__file__).parents[3]
MAX_BYTES = 12_000_000


@pytest.fixture(scope="module")
def models() -> Path:
    return Path(os.environ.get("MODEL_REPO", ROOT / registry.DEFAULT_REPOSITORY))


@pytest.fixture(scope="module")
def folder(models: Path) -> Path:
    found = registry.list_versions(models)
    if not found:
        pytest.fail(f"{models} holds no version of the model; `make train` and `make export` make one")
    return registry.version_dir(models, found[-1])


@pytest.fixture(scope="module")
def model(folder: Path) -> ServedModel:
    return ServedModel(folder)


@pytest.fixture(scope="module")
def answers(model: ServedModel) -> Predictions:
    """Predictions for faces of any brightness and noise, so that confidences differ."""
    rng = np.random.default_rng(7)
    brightness, contrast = rng.random((2, 64, 1, 1, 1), np.float32)
    noise = rng.random((64, *FACE_SHAPE), np.float32) - np.float32(0.5)
    return model.predict(np.clip(brightness + contrast * noise, 0, 1))


def test_signature_matches_the_contract(model: ServedModel) -> None:
    _, inputs = model.signature.structured_input_signature
    assert inputs == {"face": tf.TensorSpec([None, 48, 48, 1], tf.float32, name="face")}
    outputs = model.signature.structured_outputs
    assert {name: (spec.shape.as_list(), spec.dtype) for name, spec in outputs.items()} == {
        "probabilities": ([None, 7], tf.float32),
        "reliable": ([None], tf.bool),
    }


@pytest.mark.parametrize("count", [1, 32])
def test_batches_of_any_size(model: ServedModel, count: int) -> None:
    answers = model.predict(np.full((count, *FACE_SHAPE), 0.5, np.float32))
    assert answers.probabilities.shape == (count, 7)
    assert answers.probabilities.dtype == np.float32
    assert answers.reliable.shape == (count,)
    assert answers.reliable.dtype == np.bool_


def test_batching_does_not_change_results(model: ServedModel) -> None:
    faces = np.random.default_rng(8).random((5, *FACE_SHAPE), np.float32)
    together, alone = model.predict(faces), model.predict(faces, batch_size=1)
    np.testing.assert_allclose(together.probabilities, alone.probabilities, atol=1e-5)


def test_probabilities_sum_to_one(answers: Predictions) -> None:
    assert answers.probabilities.min() >= 0
    np.testing.assert_allclose(answers.probabilities.sum(axis=1), 1, atol=1e-5)


def test_reliable_means_at_or_above_the_threshold(answers: Predictions, folder: Path) -> None:
    threshold = json.loads(registry.manifest_path(folder).read_text())["threshold"]
    np.testing.assert_array_equal(answers.reliable, answers.probabilities.max(axis=1) >= np.float32(threshold))


def test_labels_match_the_contract(folder: Path) -> None:
    assert registry.labels_path(folder).read_text().splitlines() == list(EMOTIONS)


def test_the_manifest_names_the_version(folder: Path) -> None:
    manifest = registry.ModelManifest.model_validate_json(registry.manifest_path(folder).read_text())
    assert (manifest.name, str(manifest.version)) == (MODEL_NAME, folder.name)


def test_size_fits_a_git_repository(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= MAX_BYTES


def test_no_operation_needs_a_gpu(model: ServedModel) -> None:
    operations = model.operations()
    assert "MatMul" in operations
    assert not [name for name in operations if "cudnn" in name.lower()]


def test_the_graph_has_no_loops(model: ServedModel) -> None:
    assert not model.operations() & {"While", "StatelessWhile", "Enter"}


def test_warmup_requests_fit_the_model(model: ServedModel, folder: Path) -> None:
    requests = _warmup_requests(folder)
    assert [tf.make_ndarray(request.inputs["face"]).shape[0] for request in requests] == [1, 2, 4, 8, 16, 32]
    for request in requests:
        assert (request.model_spec.name, request.model_spec.signature_name) == (MODEL_NAME, SIGNATURE_NAME)
        assert list(request.inputs) == ["face"]
        faces = tf.make_ndarray(request.inputs["face"])
        assert faces.dtype == np.float32
        assert model.predict(faces).probabilities.shape == (len(faces), 7)


def test_warmup_requests_are_gray(folder: Path) -> None:
    for request in _warmup_requests(folder):
        assert np.ptp(tf.make_ndarray(request.inputs["face"])) == 0


def test_the_card_has_the_figures_of_this_version(models: Path, folder: Path) -> None:
    evaluation = Evaluation.model_validate_json(registry.evaluation_path(folder).read_text())
    assert str(evaluation.version) == folder.name
    assert render_figures(evaluation) in (models / registry.CARD).read_text()


def test_the_card_has_a_section_on_this_version(models: Path, folder: Path) -> None:
    """The section is written by hand."""
    headings = re.findall(r"(?m)^## Version (\d+)$", (models / registry.CARD).read_text())
    assert headings == [folder.name]


def _warmup_requests(folder: Path) -> list[predict_pb2.PredictRequest]:
    records = tf.data.TFRecordDataset(str(registry.warmup_path(folder)))
    logs = [prediction_log_pb2.PredictionLog.FromString(record.numpy()) for record in records]
    return [log.predict_log.request for log in logs]
