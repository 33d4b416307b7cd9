"""Checks of an exported model."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.config import Network
from training.export.registry import ModelError
from training.export.saved_model import check_saved_model, write_saved_model
from training.export.served_model import ServedModel
from training.models.calibration import Calibration
from training.models.cnn_bilstm import build_network

FACE = tf.TensorSpec([None, 48, 48, 1], tf.float32, name="face")
CALIBRATION = Calibration(linear=0.35, quadratic=-0.2)
NONE = Calibration(linear=1, quadratic=0)


def save(folder: Path, answer: Any) -> None:
    signature = tf.function(answer, input_signature=[FACE], autograph=False)
    signatures = {"serving_default": signature, "uncalibrated": signature}
    tf.saved_model.save(tf.Module(), str(folder), signatures=signatures)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return build_network(Network(convolutions=(1, 1, 1)), seed=1)


def test_a_correct_export_passes(network: keras.Model, tmp_path: Path) -> None:
    write_saved_model(network, CALIBRATION, 0.5, tmp_path)
    check_saved_model(tmp_path, network, CALIBRATION)


@pytest.mark.parametrize("count", [1, 32])
def test_calibration_is_part_of_the_graph(network: keras.Model, tmp_path: Path, count: int) -> None:
    # Larger than [0, 1], so that the probabilities of the untrained network differ.
    faces = 40 * np.random.default_rng(4).random((count, 48, 48, 1), np.float32)
    write_saved_model(network, CALIBRATION, 0.5, tmp_path)
    model = ServedModel(tmp_path)

    expected = np.asarray(network(faces, training=False))
    predictions = model.predict(faces)

    np.testing.assert_allclose(model.predict_uncalibrated(faces), expected, atol=1e-5)
    np.testing.assert_allclose(predictions.probabilities, CALIBRATION.apply(expected), atol=1e-5)
    assert np.abs(predictions.probabilities - expected).max() > 1e-3
    np.testing.assert_array_equal(predictions.reliable, predictions.probabilities.max(axis=1) >= 0.5)


def test_another_calibration_is_rejected(network: keras.Model, tmp_path: Path) -> None:
    write_saved_model(network, CALIBRATION, 0.5, tmp_path)
    with pytest.raises(ModelError, match="differs from the network"):
        check_saved_model(tmp_path, network, Calibration(linear=3, quadratic=0))


def test_outputs_of_another_network_are_rejected(network: keras.Model, tmp_path: Path) -> None:
    save(
        tmp_path, lambda face: {"probabilities": tf.ones([tf.shape(face)[0], 7]) / 7, "reliable": face[:, 0, 0, 0] > 0}
    )
    with pytest.raises(ModelError, match="differs from the network"):
        check_saved_model(tmp_path, network, NONE)


def test_gpu_operations_are_found_inside_functions(network: keras.Model, tmp_path: Path) -> None:
    def recur(face: Any) -> dict[str, Any]:
        sequence = tf.reshape(face, [48, -1, 48])
        state = tf.zeros([1, tf.shape(sequence)[1], 8])
        output = tf.raw_ops.CudnnRNN(input=sequence, input_h=state, input_c=state, params=tf.zeros([9999]))[0]
        return {"probabilities": output[-1], "reliable": output[-1, :, 0] > 0}

    save(tmp_path, recur)
    with pytest.raises(ModelError, match="need a GPU: CudnnRNN"):
        check_saved_model(tmp_path, network, NONE)


def test_a_model_that_is_too_large_is_rejected(network: keras.Model, tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(bytes(12_000_001))
    with pytest.raises(ModelError, match="takes 12,000,001 bytes"):
        check_saved_model(tmp_path, network, NONE)


@pytest.mark.parametrize(("present", "missing"), [([], "serving_default"), (["serving_default"], "uncalibrated")])
def test_a_model_without_a_signature_is_rejected(tmp_path: Path, present: list[str], missing: str) -> None:
    answer = tf.function(lambda face: {"probabilities": face[:, 0, :7, 0]}, input_signature=[FACE], autograph=False)
    tf.saved_model.save(tf.Module(), str(tmp_path), signatures=dict.fromkeys(present, answer))
    with pytest.raises(ModelError, match=f"has no signature {missing}"):
        ServedModel(tmp_path)


def test_the_threshold_is_part_of_the_model(network: keras.Model, tmp_path: Path) -> None:
    faces = np.random.default_rng(3).random((6, 48, 48, 1), np.float32)
    write_saved_model(network, NONE, 0.0, tmp_path / "lenient")
    write_saved_model(network, NONE, 1.01, tmp_path / "strict")
    assert ServedModel(tmp_path / "lenient").predict(faces).reliable.all()
    assert not ServedModel(tmp_path / "strict").predict(faces).reliable.any()
