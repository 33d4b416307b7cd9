"""Replays the requests that travel with a model, so that the first caller doesn't pay for the first run."""

import logging
import time
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from services.serving.errors import InvalidArgumentError
from services.serving.execution import answer
from services.serving.monitoring import Monitoring
from services.serving.predict import GrpcPredict
from services.serving.servable import Servable, model_error

WARMUP_FILE = Path("assets.extra") / "tf_serving_warmup_requests"
RECORDS_LIMIT = 1000

_log = logging.getLogger(__name__)


def warm_up(servable: Servable, folder: Path, monitoring: Monitoring) -> None:
    """Replay a version's warm-up requests, if it has any. Only Predict requests are replayed.

    Raises:
        ServingError: The file can't be read, has too many records, or a request fails.
    """
    path = folder / WARMUP_FILE
    if not path.is_file():
        return
    _log.info("Starting to read warmup data for model at %s", path)
    started = time.perf_counter()
    with monitoring.warm_up(str(folder)):
        count = _replay(servable, path, monitoring)
    elapsed_us = int((time.perf_counter() - started) * 1e6)
    _log.info(
        "Finished reading warmup data for model at %s. Number of warmup records read: %d. "
        "Elapsed time (microseconds): %d.",
        path,
        count,
        elapsed_us,
    )


def _replay(servable: Servable, path: Path, monitoring: Monitoring) -> int:
    count = 0
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            count += 1
            if count > RECORDS_LIMIT:
                raise InvalidArgumentError(f"More than {RECORDS_LIMIT} warm-up records at {path}")
            _replay_record(servable, PredictionLog.FromString(record), monitoring)
    except tf.errors.OpError as error:
        raise model_error(error) from error
    except DecodeError as error:
        raise InvalidArgumentError(f"Record {count} at {path} is no PredictionLog: {error}") from error
    return count


def _replay_record(servable: Servable, record: PredictionLog, monitoring: Monitoring) -> None:
    kind = record.WhichOneof("log_type")
    if kind == "predict_log":
        answer(servable, GrpcPredict(record.predict_log.request), monitoring)
    else:
        _log.warning("Skipped a warm-up record that is no Predict request: %s", kind)
