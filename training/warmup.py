"""Requests that TensorFlow Serving runs before it serves a version, so that the first real one isn't slow."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from services.contracts.model import FACE_SHAPE, INPUT_FACE, MODEL_NAME, SIGNATURE_NAME

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
