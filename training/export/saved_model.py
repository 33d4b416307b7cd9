"""Writes a network as the SavedModel that TensorFlow Serving loads, and holds it against the contract."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from services.contracts.model import (
    FACE_SHAPE,
    INPUT_FACE,
    MODEL_NAME,
    OUTPUT_PROBABILITIES,
    OUTPUT_RELIABLE,
    SIGNATURE_NAME,
)
from training.export.registry import ModelError
from training.export.served_model import UNCALIBRATED_SIGNATURE, ServedModel
from training.models.calibration import SMALLEST, Calibration

MAX_BYTES = 12_000_000
TOLERANCE = 1e-5


def write_saved_model(network: keras.Model, calibration: Calibration, threshold: float, folder: Path) -> None:
    """Write a SavedModel that serves, and nothing of training: no optimizer, no training step.

    Besides the contract's signature it has ``uncalibrated``, whose ``probabilities`` are as the network
    gives them, so that calibration can be judged on an exported model. Both share one graph of the network.

    Args:
        network: The trained network in float32.
        calibration: What makes its probabilities mean what they say.
        threshold: The top probability, calibrated, from which an answer is reliable; it travels inside the model.
        folder: Where to write.
    """
    trained = [variable.numpy() for variable in network.trainable_variables]
    fixed = [variable.numpy() for variable in network.non_trainable_variables]

    face = tf.TensorSpec([None, *FACE_SHAPE], tf.float32, name=INPUT_FACE)

    def said(face: tf.Tensor) -> dict[str, tf.Tensor]:
        # Weights as constants: TensorFlow then folds batch normalization into the convolutions when it loads
        # the model, which takes about a tenth off the time for one face.
        constants = ([tf.constant(values) for values in trained], [tf.constant(values) for values in fixed])
        probabilities, _ = network.stateless_call(*constants, face, training=False)
        return {OUTPUT_PROBABILITIES: probabilities}

    uncalibrated = tf.function(said, input_signature=[face], autograph=False)

    def answer(face: tf.Tensor) -> dict[str, tf.Tensor]:
        probabilities = _calibrated(calibration, uncalibrated(face)[OUTPUT_PROBABILITIES])
        reliable = tf.reduce_max(probabilities, axis=-1) >= tf.constant(threshold, tf.float32)
        return {OUTPUT_PROBABILITIES: probabilities, OUTPUT_RELIABLE: reliable}

    served = tf.function(answer, input_signature=[face], autograph=False)
    signatures = {SIGNATURE_NAME: served, UNCALIBRATED_SIGNATURE: uncalibrated}
    tf.saved_model.save(tf.Module(), str(folder), signatures=signatures)


def check_saved_model(folder: Path, network: keras.Model, calibration: Calibration, max_bytes: int = MAX_BYTES) -> None:
    """Make sure that what was written serves, and says what the network with its calibration says.

    Raises:
        ModelError: It is too large, needs a GPU's kernels, or answers otherwise than the network.
    """
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > max_bytes:
        raise ModelError(f"the model takes {size:,} bytes; {max_bytes:,} are allowed")
    served = ServedModel(folder)
    foreign = sorted(name for name in served.operations() if "cudnn" in name.lower())
    if foreign:
        raise ModelError(f"the model holds operations that only a GPU has: {', '.join(foreign)}")
    for count in (1, 32):
        faces = np.random.default_rng(count).random((count, *FACE_SHAPE), np.float32)
        expected = calibration.apply(np.asarray(network(faces, training=False)))
        difference = float(np.abs(served.answer(faces).probabilities - expected).max())
        # Written this way round, so that NaN is refused too.
        if not difference <= TOLERANCE:
            raise ModelError(f"the model differs from the network by {difference:.1e} for {count} faces")


def _calibrated(calibration: Calibration, probabilities: Any) -> Any:
    """Do in the graph, in float32, what ``calibration.apply`` does."""
    logs = tf.math.log(tf.maximum(probabilities, SMALLEST))
    return tf.nn.softmax(logs * (calibration.linear + calibration.quadratic * logs))


BATCH_SIZES = (1, 2, 4, 8, 16, 32)


def write_warmup(path: Path) -> None:
    """Write one request per batch size, of plain gray faces, as a TFRecord of ``PredictionLog``."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for size in BATCH_SIZES:
            writer.write(_record(size).SerializeToString())


def _record(size: int) -> prediction_log_pb2.PredictionLog:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = MODEL_NAME
    request.model_spec.signature_name = SIGNATURE_NAME
    faces = np.full((size, *FACE_SHAPE), 0.5, np.float32)
    request.inputs[INPUT_FACE].CopyFrom(tf.make_tensor_proto(faces))
    return prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
