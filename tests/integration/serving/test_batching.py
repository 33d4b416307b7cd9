"""Batched requests get the same responses as single requests."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from tests.support.model_server import (
    TIMEOUT_S,
    ServerProcess,
    arrays,
    code_and_details,
    content,
    predict,
    predict_error,
)

PARAMETERS = """
max_batch_size { value: 8 }
batch_timeout_micros { value: 200000 }
num_batch_threads { value: 1 }
max_enqueued_batches { value: 2 }
allowed_batch_sizes: 4
allowed_batch_sizes: 8
"""


@pytest.fixture(scope="module")
def batching(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("batching")
    (folder / "batching.config").write_text(PARAMETERS)
    (folder / "monitoring.config").write_text("prometheus_config { enable: true }")
    extra = (
        "--enable_batching=true",
        f"--batching_parameters_file={folder / 'batching.config'}",
        f"--monitoring_config_file={folder / 'monitoring.config'}",
    )
    with ServerProcess("rows", models / "rows", folder / "log", extra=extra) as server:
        server.wait_until_ready()
        yield server


def start(server: ServerProcess, signature: str, name: str, array: NDArray[Any]) -> Any:
    request = PredictRequest(model_spec=spec(signature), inputs={name: content(array)})
    return PredictionServiceStub(server.channel).Predict.future(request, timeout=TIMEOUT_S)


def spec(signature: str) -> ModelSpec:
    return ModelSpec(name="rows", signature_name=signature)


def batches(server: ServerProcess) -> int:
    """Return the number of executed batches."""
    text = server.http.get("/monitoring/prometheus/metrics").text
    found = re.search(r"^:tensorflow:serving:batching_session:wrapped_run_count\{\} (\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else 0


def test_batched_responses_equal_single_ones(batching: ServerProcess) -> None:
    random = np.random.default_rng(3)
    sent = [random.random((rows, columns), np.float32) for rows in (1, 2, 3) for columns in (4, 5)] * 2
    before = batches(batching)
    calls = [start(batching, "", "x", array) for array in sent]
    for array, call in zip(sent, calls, strict=True):
        answer = arrays(call.result())
        assert answer["sum"] == pytest.approx(array.sum(axis=1), rel=1e-6)
        assert [float(text) for text in answer["text"].ravel()] == pytest.approx(array[:, 0], rel=1e-5)
        assert call.result().model_spec.version.value == 1
    assert batches(batching) - before < len(sent)


def test_rest_and_grpc_share_batches(batching: ServerProcess) -> None:
    before = batches(batching)
    call = start(batching, "checked", "x", np.array([1, 2], np.float32))
    response = batching.http.post(
        "/v1/models/rows:predict", json={"signature_name": "checked", "instances": [3, 4, 5, 6, 7, 8]}
    )
    assert response.json() == {"predictions": [6, 8, 10, 12, 14, 16]}
    assert arrays(call.result())["y"].tolist() == [2, 4]
    assert batches(batching) - before == 1


def test_invalid_request_does_not_fail_its_batch(batching: ServerProcess) -> None:
    good = start(batching, "checked", "x", np.array([1], np.float32))
    bad = start(batching, "checked", "x", np.array([-1], np.float32))
    assert arrays(good.result())["y"].tolist() == [2]
    with pytest.raises(grpc.RpcError) as caught:
        bad.result()
    code, details = code_and_details(caught.value)
    assert (code, "x must not be negative" in details) == (grpc.StatusCode.INVALID_ARGUMENT, True)


def test_invalid_request_is_not_batched(batching: ServerProcess) -> None:
    good = start(batching, "checked", "x", np.array([1], np.float32))
    code, details = predict_error(batching, {"x": content(np.array([[1]], np.float32))}, spec("checked"))
    assert (code, "must have shape [-1]" in details) == (grpc.StatusCode.INVALID_ARGUMENT, True)
    assert arrays(good.result())["y"].tolist() == [2]


@pytest.mark.parametrize(
    ("signature", "output", "answers"),
    [("total", "total", [3, 7]), ("square", "outer", [[[1, 2], [2, 4]], [[9, 12], [12, 16]]])],
)
def test_models_that_couple_rows_are_not_batched(
    batching: ServerProcess, signature: str, output: str, answers: list[Any]
) -> None:
    before = batches(batching)
    calls = [start(batching, signature, "x", np.array(pair, np.float32)) for pair in ((1, 2), (3, 4))]
    assert [arrays(call.result())[output].tolist() for call in calls] == answers
    assert batches(batching) == before


def test_empty_batch(batching: ServerProcess) -> None:
    assert arrays(predict(batching, {"x": content(np.zeros(0, np.float32))}, spec("checked")))["y"].shape == (0,)


def test_request_over_the_batch_limit_is_invalid(batching: ServerProcess) -> None:
    error = predict_error(batching, {"x": content(np.zeros(9, np.float32))}, spec("checked"))
    assert error == (grpc.StatusCode.INVALID_ARGUMENT, "Task size 9 is larger than maximum input batch size 8")


def test_full_queue_is_unavailable(batching: ServerProcess) -> None:
    """One batch runs and two wait; further requests are rejected."""
    slow = np.full(8, 100_000, np.int32)
    calls = [start(batching, "slow", "steps", slow) for _ in range(6)]
    results = [_outcome(call) for call in calls]
    answered = [result for result in results if isinstance(result, PredictResponse)]
    refused = [result for result in results if isinstance(result, tuple)]
    assert len(answered) >= 3
    assert set(refused) == {
        (grpc.StatusCode.UNAVAILABLE, "The batch scheduling queue to which this task was submitted is full")
    }
    assert all(arrays(response)["steps"].tolist() == slow.tolist() for response in answered)


def _outcome(call: Any) -> PredictResponse | tuple[grpc.StatusCode, str]:
    try:
        response: PredictResponse = call.result()
    except grpc.RpcError as error:
        return code_and_details(error)
    return response
