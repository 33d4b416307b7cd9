"""Model metadata, and methods that the signatures do not support."""

from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import Int64Value
from tensorflow.core.framework.types_pb2 import DT_FLOAT
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, SignatureDefMap
from tensorflow_serving.apis.inference_pb2 import InferenceTask, MultiInferenceRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from tests.support.model_server import TIMEOUT_S, ServerProcess, code_and_details

TOYS = ModelSpec(name="toys")


def call(server: ServerProcess, method: str, request: Any) -> Any:
    return getattr(PredictionServiceStub(server.channel), method)(request, timeout=TIMEOUT_S)


def error(server: ServerProcess, method: str, request: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(server, method, request)
    return code_and_details(caught.value)


def test_signatures_over_grpc(toys: ServerProcess) -> None:
    response = call(
        toys, "GetModelMetadata", GetModelMetadataRequest(model_spec=TOYS, metadata_field=["signature_def"])
    )
    assert response.model_spec == ModelSpec(name="toys", version=Int64Value(value=10))
    found = SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(found)
    assert {"serving_default", "pair", "strings", "count", "echo"} <= set(found.signature_def)
    default = found.signature_def["serving_default"]
    assert (default.method_name, set(default.outputs)) == ("tensorflow/serving/predict", {"y"})
    assert default.inputs["x"].dtype == DT_FLOAT
    assert [dimension.size for dimension in default.inputs["x"].tensor_shape.dim] == [-1]


@pytest.mark.parametrize("path", ["/v1/models/toys/metadata", "/v1/models/toys/versions/10/metadata"])
def test_signatures_over_rest(toys: ServerProcess, path: str) -> None:
    answer = toys.http.get(path).json()
    assert answer["model_spec"] == {"name": "toys", "signature_name": "", "version": "10"}
    default = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert default["inputs"] == {
        "x": {
            "dtype": "DT_FLOAT",
            "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
            "name": "serving_default_x:0",
        }
    }
    assert default["method_name"] == "tensorflow/serving/predict"
    assert list(default["outputs"]) == ["y"]


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (GetModelMetadataRequest(metadata_field=["signature_def"]), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (
            GetModelMetadataRequest(model_spec=TOYS),
            "INVALID_ARGUMENT",
            "GetModelMetadataRequest must specify at least one metadata_field",
        ),
        (
            GetModelMetadataRequest(model_spec=TOYS, metadata_field=["weights"]),
            "INVALID_ARGUMENT",
            "Metadata field weights is not supported",
        ),
        (
            GetModelMetadataRequest(model_spec=ModelSpec(name="unknown"), metadata_field=["signature_def"]),
            "NOT_FOUND",
            "Servable not found for request: Latest(unknown)",
        ),
    ],
)
def test_invalid_metadata_request(
    toys: ServerProcess, request_: GetModelMetadataRequest, code: str, message: str
) -> None:
    assert error(toys, "GetModelMetadata", request_) == (grpc.StatusCode[code], message)


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v1/models/unknown/metadata", 404, "Servable not found for request: Latest(unknown)"),
        ("/v1/models/toys/versions/9/metadata", 404, "Servable not found for request: Specific(toys, 9)"),
        ("/v1/models/toys/labels/stable/metadata", 400, "Unrecognized servable version label: stable"),
        ("/v1/models/toys/labels/stable", 400, "Unrecognized servable version label: stable"),
        ("/v1/models/toys/metadata/more", 400, "Malformed request: GET /v1/models/toys/metadata/more"),
    ],
)
def test_unknown_path(toys: ServerProcess, path: str, status: int, message: str) -> None:
    response = toys.http.get(path)
    assert (response.status_code, response.json()) == (status, {"error": message})


@pytest.mark.parametrize(
    ("method", "request_", "code", "message"),
    [
        ("Classify", ClassificationRequest(model_spec=TOYS), "FAILED_PRECONDITION", "No classification inputs found"),
        ("Regress", RegressionRequest(model_spec=TOYS), "FAILED_PRECONDITION", "No regression inputs found"),
        (
            "Classify",
            ClassificationRequest(model_spec=ModelSpec(name="toys", signature_name="pair")),
            "INVALID_ARGUMENT",
            "Expected one input Tensor.",
        ),
        ("Regress", RegressionRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (
            "MultiInference",
            MultiInferenceRequest(tasks=[InferenceTask(model_spec=TOYS, method_name="tensorflow/serving/predict")]),
            "UNIMPLEMENTED",
            "Unsupported signature method_name: tensorflow/serving/predict",
        ),
    ],
)
def test_unsupported_methods(toys: ServerProcess, method: str, request_: Any, code: str, message: str) -> None:
    status, details = error(toys, method, request_)
    assert status is grpc.StatusCode[code]
    assert details.startswith(message)


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("toys:classify", {"examples": [{"x": 1}]}, 400, "No classification inputs found in SignatureDef"),
        ("toys/versions/10:regress", {"examples": [{"x": 1}]}, 400, "No regression inputs found in SignatureDef"),
        ("toys:classify", {"signature_name": "nope", "examples": [{}]}, 400, "No signature was found with the name"),
        ("toys:classify", {"instances": [1]}, 400, "When method is classify, key 'examples' is expected"),
        ("unknown:regress", {"examples": [{}]}, 404, "Servable not found for request: Latest(unknown)"),
    ],
)
def test_unsupported_rest_methods(toys: ServerProcess, path: str, body: Any, status: int, message: str) -> None:
    response = toys.http.post(f"/v1/models/{path}", json=body)
    assert response.status_code == status
    assert response.json()["error"].startswith(message)
