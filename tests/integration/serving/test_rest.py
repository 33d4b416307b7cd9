import base64
import json
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.integration.serving.make_models import ECHOED
from tests.support.model_server import ServerProcess

AVAILABLE = {"version": "10", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}


def predict(server: ServerProcess, body: Any, path: str = "/v1/models/toys:predict") -> tuple[int, Any]:
    response = server.http.post(path, json=body)
    assert response.headers["content-type"] == "application/json"
    return response.status_code, response.json()


@pytest.mark.parametrize("path", ["/v1/models/toys", "/v1/models/toys/versions/10"])
def test_status(toys: ServerProcess, path: str) -> None:
    response = toys.http.get(path)
    assert (response.status_code, response.json()) == (200, {"model_version_status": [AVAILABLE]})


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v1/models/unknown", "Could not find any versions of model unknown"),
        ("/v1/models/toys/versions/9", "Could not find version 9 of model toys"),
    ],
)
def test_status_of_an_unknown_model(toys: ServerProcess, path: str, message: str) -> None:
    response = toys.http.get(path)
    assert (response.status_code, response.json()) == (404, {"error": message})


@pytest.mark.parametrize("path", ["/v1/models/toys:predict", "/v1/models/toys/versions/10:predict"])
def test_rows(toys: ServerProcess, path: str) -> None:
    assert predict(toys, {"instances": [1, 2.0, 5]}, path) == (200, {"predictions": [2.5, 3.0, 4.5]})


def test_columns(toys: ServerProcess) -> None:
    assert predict(toys, {"inputs": [1, 2.0, 5]}) == (200, {"outputs": [2.5, 3.0, 4.5]})
    assert predict(toys, {"inputs": {"x": [1]}}) == (200, {"outputs": [2.5]})


def test_several_outputs_have_names(toys: ServerProcess) -> None:
    columns = {"signature_name": "pair", "inputs": {"a": [1, 2], "b": [10, 20]}}
    assert predict(toys, columns) == (200, {"outputs": {"sum": [11, 22], "total": 33}})
    rows = {"signature_name": "strings", "instances": ["a", {"text": "b"}]}
    assert predict(toys, {**rows, "instances": [{"text": "a"}, {"text": "b"}]}) == (
        200,
        {"predictions": [{"upper": "A", "same_bytes": {"b64": "YQ=="}}, {"upper": "B", "same_bytes": {"b64": "Yg=="}}]},
    )
    assert predict(toys, rows)[0] == 400


def test_strings_and_bytes(toys: ServerProcess) -> None:
    binary = {"b64": base64.b64encode(b"\xff\0").decode()}
    status, answer = predict(toys, {"signature_name": "strings", "instances": ["ab", binary]})
    assert status == 200
    assert answer["predictions"][0] == {"upper": "AB", "same_bytes": {"b64": "YWI="}}
    assert answer["predictions"][1]["same_bytes"] == binary


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"instances": [1], "inputs": [1]}, "one of 'instances' and 'inputs'"),
        ({"instances": ["1"]}, 'JSON Value: "1" is not of expected type: float32'),
        ({"instances": [[1]]}, "Input x must have shape [-1], but [1,1] was sent."),
        ({"inputs": {"z": [1]}}, "input tensor alias not found in signature: z."),
        ({"signature_name": "nope", "instances": [1]}, 'Serving signature name: "nope" not found in signature def'),
        ({"signature_name": "pair", "instances": [{"a": 1, "b": 2}]}, "The outputs have no common batch size"),
        ({"signature_name": "count", "inputs": -1}, "steps must be positive"),
    ],
)
def test_mismatched_inputs_are_400(toys: ServerProcess, body: Any, message: str) -> None:
    status, answer = predict(toys, body)
    assert status == 400
    assert list(answer) == ["error"]
    assert message in answer["error"]


def test_type_without_a_json_form_is_501(toys: ServerProcess) -> None:
    inputs = {"complex64": [1], **{name: [1] for name in ECHOED}}
    status, answer = predict(toys, {"signature_name": "echo", "inputs": inputs})
    assert (status, answer) == (501, {"error": "Input complex64 is complex64, which JSON can't carry"})


def test_invalid_json_is_400(toys: ServerProcess) -> None:
    response = toys.http.post("/v1/models/toys:predict", content=b"{")
    assert response.status_code == 400
    assert response.json()["error"].startswith("JSON Parse error: ")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v1/models/unknown:predict", "Servable not found for request: Latest(unknown)"),
        ("/v1/models/toys/versions/7:predict", "Servable not found for request: Specific(toys, 7)"),
    ],
)
def test_unknown_model_or_version_is_404(toys: ServerProcess, path: str, message: str) -> None:
    assert predict(toys, {"instances": [1]}, path) == (404, {"error": message})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models/toys:predict"),
        ("POST", "/v1/models/toys"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/toys/versions/ten"),
        ("POST", "/v1/models/toys:fly"),
    ],
)
def test_malformed_path_is_400(toys: ServerProcess, method: str, path: str) -> None:
    response = toys.http.request(method, path)
    assert (response.status_code, response.json()) == (400, {"error": f"Malformed request: {method} {path}"})


@pytest.mark.parametrize("digits", ["9" * 20, "9" * 5000])
def test_version_over_64_bits_is_400(toys: ServerProcess, digits: str) -> None:
    response = toys.http.get(f"/v1/models/toys/versions/{digits}")
    assert response.status_code == 400
    assert response.json()["error"].startswith("Failed to convert version: 99999999999999999999")


def test_other_paths_are_404_in_the_same_format(toys: ServerProcess) -> None:
    response = toys.http.get("/nowhere")
    assert (response.status_code, response.json()) == (404, {"error": "Not Found: GET /nowhere"})


def test_body_over_the_limit_is_413_before_it_is_read(toys: ServerProcess) -> None:
    connection = HTTPConnection("127.0.0.1", toys.rest_port, timeout=10)
    connection.putrequest("POST", "/v1/models/toys:predict")
    connection.putheader("content-length", str(1 << 40))
    connection.endheaders(b"{")
    response = connection.getresponse()
    assert response.status == 413
    assert "8,388,608 bytes" in json.loads(response.read())["error"]
    connection.close()


def test_health_and_metrics(toys: ServerProcess) -> None:
    assert toys.http.get("/healthz").json() == {"status": "ok"}
    ready = toys.http.get("/readyz")
    assert (ready.status_code, ready.json()["dependencies"]["model"]["detail"]) == (200, "version 10 is AVAILABLE")
    predict(toys, {"instances": [1]})
    predict(toys, {"instances": ["no number"]})
    metrics = toys.http.get("/metrics").text
    assert 'serving_calls_total{api="rest",code="OK",method="predict"}' in metrics
    assert 'serving_calls_total{api="rest",code="INVALID_ARGUMENT",method="predict"}' in metrics
    assert 'serving_call_seconds_count{api="rest",method="predict"}' in metrics
