"""Start, recovery and stop of the server process."""

import shutil
import signal
import socket
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from tests.support.model_server import (
    ServerProcess,
    arrays,
    code_and_details,
    content,
    floats,
    predict,
    predict_error,
    statuses,
)
from tests.support.waiting import DEFAULT_TIMEOUT_S, wait_until


def test_waits_for_a_model_recovers_and_finishes_calls(models: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    with ServerProcess("toys", base, tmp_path / "log") as server:
        server.wait_for_grpc()
        _check_without_a_model(server, base)
        _check_with_a_broken_version(server, base)
        shutil.copytree(models / "toys" / "10", tmp_path / "arriving")
        (tmp_path / "arriving").rename(base / "4")
        server.wait_until_ready()
        assert [(status.version, status.state) for status in statuses(server)] == [
            (4, ModelVersionStatus.AVAILABLE),
            (3, ModelVersionStatus.END),
        ]
        assert predict(server, {"x": floats(1)}).model_spec.version.value == 4
        assert "warmup" not in server.log()
        _check_call_in_flight_is_finished(server)


def test_stops_while_tensorflow_is_loading(models: Path, tmp_path: Path) -> None:
    with ServerProcess("toys", models / "toys", tmp_path / "log") as server:
        wait_until(lambda: _listens(server.rest_port), "the port")
        assert server.terminate() == 0
        assert server.log() == ""


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _check_without_a_model(server: ServerProcess, base: Path) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        statuses(server)
    assert code_and_details(caught.value) == (grpc.StatusCode.NOT_FOUND, "Could not find any versions of model toys")
    error = predict_error(server, {"x": floats(1)})
    assert error == (grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(toys)")
    wait_until(lambda: server.http.get("/healthz").status_code == 200, "liveness")
    ready = server.http.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["dependencies"]["model"]["detail"] == "Could not find any versions of model toys"
    base.mkdir()
    server.wait_until_logged(f"No numbered folder with a saved_model.pb under {base}")
    assert server.log().count(f"The base path {base} can't be read") == 1


def _check_with_a_broken_version(server: ServerProcess, base: Path) -> None:
    (base / "3").mkdir()
    (base / "3" / "saved_model.pb").write_bytes(b"no model")
    server.wait_until_logged("Version 3 of toys can't be loaded")
    (status,) = statuses(server)
    assert (status.version, status.state) == (3, ModelVersionStatus.END)
    assert status.status.error_code != 0
    assert "parse" in status.status.error_message
    (rest_status,) = server.http.get("/v1/models/toys").json()["model_version_status"]
    assert rest_status["state"] == "END"
    assert rest_status["status"]["error_message"] == status.status.error_message
    detail = server.http.get("/readyz").json()["dependencies"]["model"]["detail"]
    assert detail == f"version 3 is END: {status.status.error_message}"
    assert predict_error(server, {"x": floats(1)})[0] is grpc.StatusCode.NOT_FOUND


def _check_call_in_flight_is_finished(server: ServerProcess) -> None:
    steps = 200_000
    request = PredictRequest(
        model_spec=ModelSpec(name="toys", signature_name="count"), inputs={"steps": content(np.array(steps, np.int32))}
    )
    call = PredictionServiceStub(server.channel).Predict.future(request, timeout=DEFAULT_TIMEOUT_S)
    in_flight = 'serving_calls_in_flight{api="grpc",method="predict"} 1.0'
    wait_until(lambda: in_flight in server.http.get("/metrics").text, "a call in flight")
    server.send_signal(signal.SIGTERM)
    assert arrays(call.result())["count"] == steps
    assert server.exit_status() == 0
    assert server.log().splitlines()[-1].endswith("stopped")
    assert server.log().count("serving stopped") == 1
    with pytest.raises(httpx.TransportError):
        server.http.get("/healthz")
