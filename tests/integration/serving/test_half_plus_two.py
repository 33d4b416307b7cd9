"""The example model of TensorFlow Serving, with the requests of its documentation."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.inference_pb2 import InferenceTask, MultiInferenceRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from tests.support.model_server import TIMEOUT_S, ServerProcess, arrays, code_and_details, floats, predict, statuses

NAME = "half_plus_two"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp(NAME) / "log"


@pytest.fixture(scope="module", params=[(), ("--enable_batching",)], ids=["alone", "batching"])
def server(request: pytest.FixtureRequest, models: Path, log: Path) -> Iterator[ServerProcess]:
    with ServerProcess(NAME, models / NAME, log, extra=request.param) as server:
        server.wait_until_ready()
        yield server


def test_list_of_numbers(server: ServerProcess) -> None:
    answer = server.http.post(f"/v1/models/{NAME}:predict", json={"instances": [1.0, 2.0, 5.0]})
    assert (answer.status_code, answer.json()) == (200, {"predictions": [2.5, 3.0, 4.5]})
    column = server.http.post(f"/v1/models/{NAME}:predict", json={"inputs": [[1.0], [2.0], [5.0]]})
    assert column.json() == {"outputs": [[2.5], [3.0], [4.5]]}


def test_grpc_accepts_numbers_with_and_without_a_column(server: ServerProcess) -> None:
    bare = arrays(predict(server, {"x": floats(1, 2, 5)}))["y"]
    column = arrays(predict(server, {"x": floats(1, 2, 5, shape=(3, 1))}))["y"]
    assert bare.tolist() == [2.5, 3.0, 4.5]
    assert column.tolist() == [[2.5], [3.0], [4.5]]


def test_folder_with_leading_zeros_is_version_123(server: ServerProcess) -> None:
    assert [status.version for status in statuses(server)] == [123]
    response = predict(server, {"x": floats(1)})
    assert (response.model_spec.version.value, response.model_spec.name) == (123, NAME)
    assert server.http.get(f"/v1/models/{NAME}/versions/123").json()["model_version_status"][0]["state"] == "AVAILABLE"


def test_metadata_names_all_signatures(server: ServerProcess) -> None:
    metadata = server.http.get(f"/v1/models/{NAME}/metadata").json()["metadata"]
    signatures = metadata["signature_def"]["signature_def"]
    assert {name: signature["method_name"].rpartition("/")[2] for name, signature in signatures.items()} == {
        "serving_default": "predict",
        "regress_x_to_y": "regress",
        "classify_x_to_y": "classify",
    }


def test_methods_with_examples_are_unimplemented(server: ServerProcess) -> None:
    stub = PredictionServiceStub(server.channel)
    classify, regress = (ModelSpec(name=NAME, signature_name=name) for name in ("classify_x_to_y", "regress_x_to_y"))
    task = InferenceTask(model_spec=regress, method_name="tensorflow/serving/regress")
    for call, request in (
        (stub.Classify, ClassificationRequest(model_spec=classify)),
        (stub.Regress, RegressionRequest(model_spec=regress)),
        (stub.MultiInference, MultiInferenceRequest(tasks=[task])),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            call(request, timeout=TIMEOUT_S)
        code, detail = code_and_details(refused.value)
        assert code is grpc.StatusCode.UNIMPLEMENTED
        assert "tf.Example is not implemented" in detail
    for method, signature in (("classify", "classify_x_to_y"), ("regress", "regress_x_to_y")):
        body = {"signature_name": signature, "examples": [{"x": 2.0}]}
        answer = server.http.post(f"/v1/models/{NAME}:{method}", json=body)
        assert answer.status_code == 501
        assert "not implemented" in answer.json()["error"]
