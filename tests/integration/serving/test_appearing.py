"""Versions that are added and removed while a model is served."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.wrappers_pb2 import Int64Value
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from tests.support.model_server import ServerProcess, arrays, content, deliver, floats, predict, predict_error, statuses
from tests.support.waiting import DEFAULT_TIMEOUT_S, wait_until

STEPS = 300_000
AVAILABLE, UNLOADING, END = ModelVersionStatus.AVAILABLE, ModelVersionStatus.UNLOADING, ModelVersionStatus.END


@pytest.fixture
def server(models: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    deliver(models / "adder" / "1", tmp_path / "base")
    extra = ("--file_system_poll_wait_seconds=1", "--max_num_load_retries=1", "--load_retry_interval_micros=100000")
    with ServerProcess("adder", tmp_path / "base", tmp_path / "log", extra=extra) as server:
        server.wait_until_ready()
        yield server


def test_versions_that_are_added_and_removed(server: ServerProcess, models: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    _check_broken_version_keeps_the_old_one(server, base)
    _check_repaired_version_is_loaded(server, models, base)
    _check_version_is_unloaded_after_its_last_request(server, models, base)
    _check_previous_version_is_loaded_again(server, base)
    assert server.terminate() == 0


def _states(server: ServerProcess) -> dict[int, int]:
    return {status.version: status.state for status in statuses(server)}


def _y(server: ServerProcess) -> float:
    return float(arrays(predict(server, {"x": floats(0)}))["y"][0])


def _check_broken_version_keeps_the_old_one(server: ServerProcess, base: Path) -> None:
    (base / "2").mkdir()
    (base / "2" / "saved_model.pb").write_bytes(b"no model")
    wait_until(lambda: _states(server).get(2) == END, "the error")
    assert _states(server) == {2: END, 1: AVAILABLE}
    (status,) = statuses(server, ModelSpec(name="adder", version=Int64Value(value=2)))
    assert "parse" in status.status.error_message
    assert _y(server) == 1
    assert server.is_ready()


def _check_repaired_version_is_loaded(server: ServerProcess, models: Path, base: Path) -> None:
    """Even if it has failed before."""
    shutil.rmtree(base / "2")
    deliver(models / "adder" / "2", base)
    wait_until(lambda: _states(server) == {2: AVAILABLE, 1: END}, "version 2 alone")
    assert _y(server) == 2


def _check_version_is_unloaded_after_its_last_request(server: ServerProcess, models: Path, base: Path) -> None:
    request = PredictRequest(
        model_spec=ModelSpec(name="adder", signature_name="count"), inputs={"steps": content(np.array(STEPS, np.int32))}
    )
    calls: list[Any] = []
    deliver(models / "adder" / "3", base)
    deadline = time.monotonic() + DEFAULT_TIMEOUT_S
    while _states(server).get(3) != AVAILABLE:
        assert time.monotonic() < deadline
        if all(call.done() for call in calls):
            calls.append(PredictionServiceStub(server.channel).Predict.future(request, timeout=DEFAULT_TIMEOUT_S))
        time.sleep(0.02)
    state, in_flight = _states(server)[2], not calls[-1].done()
    assert _y(server) == 3
    versions = [call.result().model_spec.version.value for call in calls]
    assert versions[0] == 2
    if in_flight and versions[-1] == 2:
        assert state in (AVAILABLE, UNLOADING)
    wait_until(lambda: _states(server)[2] == END, "the end of version 2")
    code, _ = predict_error(server, {"x": floats(0)}, ModelSpec(name="adder", version=Int64Value(value=2)))
    assert code is grpc.StatusCode.NOT_FOUND


def _check_previous_version_is_loaded_again(server: ServerProcess, base: Path) -> None:
    shutil.rmtree(base / "3")
    wait_until(lambda: _states(server) == {3: END, 2: AVAILABLE, 1: END}, "version 2 again")
    assert _y(server) == 2
