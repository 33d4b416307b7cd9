"""Write a network as a SavedModel for TensorFlow Serving, and check it against the contract."""

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
from training.models.calibration import MIN_PROBABILITY, Calibration

MAX_BYTES = 12_000_000
TOLERANCE = 1e-5
"""Largest difference between the probabilities of a network and of its export."""
WARMUP_BATCH_SIZES = (1, 2, 4, 8, 16, 32)


def write_saved_model(network: keras.Model, calibration: Calibration, threshold: float, directory: Path) -> None:
    """Write a SavedModel for inference only: without optimizer and training step.

    It has the contract's signature, and ``uncalibrated``, whose ``probabilities`` are the network's own, to evaluate
    the calibration of an exported model. Both share one graph of the network.

    Args:
        network: The trained network in float32.
        calibration: Calibration of its probabilities.
        threshold: The calibrated top probability from which an answer is reliable; it is part of the model.
        directory: Where to write.
    """
    trained = [variable.numpy() for variable in network.trainable_variables]
    fixed = [variable.numpy() for variable in network.non_trainable_variables]

    face = tf.TensorSpec([None, *FACE_SHAPE], tf.float32, name=INPUT_FACE)

    def uncalibrated_outputs(face: tf.Tensor) -> dict[str, tf.Tensor]:
        # Weights as constants: TensorFlow then folds batch normalisation into the convolutions when it loads the
        # model, which saves about a tenth of the time for one face.
        constants = ([tf.constant(values) for values in trained], [tf.constant(values) for values in fixed])
        probabilities, _ = network.stateless_call(*constants, face, training=False)
        return {OUTPUT_PROBABILITIES: probabilities}

    uncalibrated = tf.function(uncalibrated_outputs, input_signature=[face], autograph=False)

    def served_outputs(face: tf.Tensor) -> dict[str, tf.Tensor]:
        probabilities = _calibrated(calibration, uncalibrated(face)[OUTPUT_PROBABILITIES])
        reliable = tf.reduce_max(probabilities, axis=-1) >= tf.constant(threshold, tf.float32)
        return {OUTPUT_PROBABILITIES: probabilities, OUTPUT_RELIABLE: reliable}

    served = tf.function(served_outputs, input_signature=[face], autograph=False)
    signatures = {SIGNATURE_NAME: served, UNCALIBRATED_SIGNATURE: uncalibrated}
    tf.saved_model.save(tf.Module(), str(directory), signatures=signatures)


def check_saved_model(
    directory: Path, network: keras.Model, calibration: Calibration, max_bytes: int = MAX_BYTES
) -> None:
    """Check that the exported model can be served and agrees with the network and its calibration.

    Raises:
        ModelError: It is too large, needs GPU kernels, or its outputs differ from the network's.
    """
    size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    if size > max_bytes:
        raise ModelError(f"the model takes {size:,} bytes; the limit is {max_bytes:,}")
    served = ServedModel(directory)
    gpu_only = sorted(name for name in served.operations() if "cudnn" in name.lower())
    if gpu_only:
        raise ModelError(f"the model contains operations that need a GPU: {', '.join(gpu_only)}")
    for count in (1, 32):
        faces = np.random.default_rng(count).random((count, *FACE_SHAPE), np.float32)
        expected = calibration.apply(np.asarray(network(faces, training=False)))
        difference = float(np.abs(served.predict(faces).probabilities - expected).max())
        # "not <=" rejects NaN too.
        if not difference <= TOLERANCE:
            raise ModelError(f"the model differs from the network by {difference:.1e} for {count} faces")


def write_warmup(path: Path) -> None:
    """Write the warm-up requests, one per batch size with gray faces, as a TFRecord of ``PredictionLog``."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for size in WARMUP_BATCH_SIZES:
            writer.write(_warmup_record(size).SerializeToString())


def _calibrated(calibration: Calibration, probabilities: Any) -> Any:
    """Apply a calibration in the graph, in float32; see ``Calibration.apply``."""
    logs = tf.math.log(tf.maximum(probabilities, MIN_PROBABILITY))
    return tf.nn.softmax(logs * (calibration.linear + calibration.quadratic * logs))


def _warmup_record(size: int) -> prediction_log_pb2.PredictionLog:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = MODEL_NAME
    request.model_spec.signature_name = SIGNATURE_NAME
    faces = np.full((size, *FACE_SHAPE), 0.5, np.float32)
    request.inputs[INPUT_FACE].CopyFrom(tf.make_tensor_proto(faces))
    return prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
