"""The routes of compatible APIs in a gateway over fakes: who may ask, and how it is told what went wrong."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.settings import GatewaySettings
from services.runtime.settings import SettingsError, load_settings
from tests.support.gateway_fakes import FakeDetector, FakeModel, FakeServices
from tests.unit.gateway.conftest import Gateway

ALL = "deepface,compreface,rekognition,open-inference"
BASE64 = base64.b64encode(b"picture").decode()
TARGET = {"X-Amz-Target": "RekognitionService.DetectFaces", "Content-Type": "application/x-amz-json-1.1"}
TENSOR = {"name": "face", "shape": [1, 48, 48, 1], "datatype": "FP32", "data": [0.5] * 2304}

Ask = Callable[..., httpx2.Response]


def deepface(client: TestClient, **headers: str) -> httpx2.Response:
    return client.post("/analyze", json={"img": f"data:image/png;base64,{BASE64}"}, headers=headers)


def compreface(client: TestClient, **headers: str) -> httpx2.Response:
    return client.post("/api/v1/detection/detect", files={"file": ("a.jpg", b"picture")}, headers=headers)


def rekognition(client: TestClient, **headers: str) -> httpx2.Response:
    return client.post("/", content=json.dumps({"Image": {"Bytes": BASE64}}), headers={**TARGET, **headers})


def open_inference(client: TestClient, **headers: str) -> httpx2.Response:
    return client.post("/v2/models/emotion/infer", json={"inputs": [TENSOR]}, headers=headers)


each_api = pytest.mark.parametrize("ask", [deepface, compreface, rekognition, open_inference])


def shaped(ask: Ask, body: dict[str, Any]) -> str:
    """Return what a person is told, where the body has the shape of the API's errors and no other member."""
    names = {
        deepface: [{"error"}, {"message"}],
        compreface: [{"message", "code"}],
        rekognition: [{"__type", "Code", "Message"}],
        open_inference: [{"error"}],
    }
    assert set(body) in names[ask]
    return str(body.get("error") or body.get("message") or body.get("Message"))


@each_api
def test_nothing_is_there_unless_it_is_named(gateway: Gateway, ask: Ask) -> None:
    # Rekognition's address is the dashboard's, which is there to be got.
    status, slug = (405, "method-not-allowed") if ask is rekognition else (404, "not-found")
    answer = ask(gateway())
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["type"] == f"urn:emotion:problem:{slug}"


def test_the_dashboard_stays_where_rekognition_is_asked(gateway: Gateway) -> None:
    client = gateway(compat_apis=ALL)
    assert client.get("/").headers["Content-Type"] == "text/html; charset=utf-8"
    assert rekognition(client).status_code == 200


def test_a_name_that_nobody_knows_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_GATEWAY_COMPAT_APIS", "deepface,azure")
    with pytest.raises(SettingsError, match=r"EMOTION_GATEWAY_COMPAT_APIS: .*'open-inference'"):
        load_settings(GatewaySettings)


@each_api
def test_an_answer(gateway: Gateway, ask: Ask) -> None:
    answer = ask(gateway(compat_apis=ALL))
    assert answer.status_code == 200, answer.text
    assert "happy" in answer.text or ask in (rekognition, open_inference)


@each_api
@pytest.mark.parametrize(
    ("settings", "headers", "statuses"),
    [
        ({"api_keys": "k"}, {}, {401, 403}),
        ({"api_keys": "k"}, {"Authorization": "Bearer wrong"}, {401, 403}),
        ({"max_uploads": 1, "body_limit_bytes": 5}, {}, {413}),
        ({}, {"Origin": "https://elsewhere.example"}, {403}),
        ({}, {"Host": "elsewhere.example"}, {421}),
    ],
    ids=["no key", "wrong key", "too large", "foreign page", "unknown host"],
)
def test_refusals_have_the_api_s_own_shape(
    gateway: Gateway, ask: Ask, settings: dict[str, Any], headers: dict[str, str], statuses: set[int]
) -> None:
    answer = ask(gateway(compat_apis=ALL, **settings), **headers)
    assert answer.status_code in statuses
    assert shaped(ask, answer.json())
    assert len(answer.headers.get_list("Content-Type")) == 1
    assert answer.headers["X-Request-ID"]


@each_api
def test_each_api_takes_the_gateway_s_keys(gateway: Gateway, ask: Ask) -> None:
    client = gateway(compat_apis=ALL, api_keys="k")
    assert [ask(client, **{"X-API-Key": "k"}).status_code, ask(client, Authorization="Bearer k").status_code] == [
        200,
        200,
    ]


def test_the_access_key_id_of_a_signature_is_the_key(gateway: Gateway) -> None:
    signed = "AWS4-HMAC-SHA256 Credential={}/20261124/eu-west-1/rekognition/aws4_request, SignedHeaders=h, Signature=s"
    client = gateway(compat_apis=ALL, api_keys="AKIA1")
    known, unknown = (rekognition(client, Authorization=signed.format(key)) for key in ("AKIA1", "AKIA2"))
    assert (known.status_code, unknown.status_code) == (200, 403)
    assert unknown.json()["__type"] == "UnrecognizedClientException"
    other = {"Authorization": signed.format("AKIA2"), "X-API-Key": "AKIA1"}  # a proxy before us has put it there
    assert rekognition(client, **other).status_code == 200
    assert unknown.headers["x-amzn-RequestId"] == unknown.headers["X-Request-ID"]
    assert client.get("/cameras", headers={"Authorization": signed.format("AKIA1")}).status_code == 401


@each_api
def test_the_rate_limit_counts_all_apis_together(gateway: Gateway, ask: Ask) -> None:
    client = gateway(compat_apis=ALL, rate_limit="1/minute")
    assert client.get("/cameras").status_code == 200
    answer = ask(client)
    assert answer.status_code == (400 if ask is rekognition else 429)
    assert "try again" in shaped(ask, answer.json())
    assert int(answer.headers["Retry-After"]) > 1


@each_api
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "gone", dependency="model"), 503),
        (ServiceError(ProblemKind.DEPENDENCY_TIMEOUT, "slow", dependency="model"), 504),
        (ServiceError(ProblemKind.OVERLOADED, "busy"), 503),
        (RuntimeError("broken"), 500),
    ],
    ids=["gone", "slow", "busy", "broken"],
)
def test_failures_have_the_api_s_own_shape(gateway: Gateway, ask: Ask, error: Exception, status: int) -> None:
    answer = ask(gateway(FakeServices(model=FakeModel(error=error)), compat_apis=ALL))
    assert answer.status_code == (500 if ask is rekognition and "busy" in str(error) else status)
    assert "Traceback" not in shaped(ask, answer.json())


@each_api
@pytest.mark.parametrize("limit", ["max_in_flight", "max_uploads"])
def test_requests_beyond_the_limits_are_refused(gateway: Gateway, ask: Ask, limit: str) -> None:
    services = FakeServices(detector=FakeDetector(delay_s=0.5), model=FakeModel(delay_s=0.5))
    client = gateway(services, compat_apis=ALL, **{limit: 1})
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: ask(client), range(4)))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert 0 < len(refused) < 4
    assert {answer.status_code for answer in refused} == {500 if ask is rekognition else 503}
    assert all("in flight" in shaped(ask, answer.json()) for answer in refused)


@pytest.mark.parametrize("ask", [deepface, compreface, rekognition])
def test_images_that_cannot_be_used(gateway: Gateway, ask: Ask) -> None:
    broken = ServiceError(ProblemKind.INVALID_IMAGE, "not an image")
    answer = ask(gateway(FakeServices(detector=FakeDetector(error=broken)), compat_apis=ALL))
    assert answer.status_code == 400
    assert "not an image" in shaped(ask, answer.json())


@pytest.mark.parametrize("ask", [deepface, compreface, rekognition])
def test_media_types_that_are_not_taken(gateway: Gateway, ask: Ask) -> None:
    answer = ask(gateway(compat_apis=ALL), **{"Content-Type": "text/plain"})
    assert answer.status_code == 415
    assert "text/plain" in shaped(ask, answer.json())


def test_no_face(gateway: Gateway) -> None:
    client = gateway(FakeServices(detector=FakeDetector(faces=())), compat_apis=ALL)
    enforced = deepface(client)
    assert enforced.status_code == 400
    assert "Face could not be detected" in enforced.json()["error"]
    lenient = client.post("/analyze", files={"img": ("a.jpg", b"picture")}, data={"enforce_detection": "False"})
    assert (lenient.status_code, lenient.json()) == (200, {"results": []})
    told = compreface(client)
    assert (told.status_code, told.json()) == (400, {"message": "No face is found in the given image", "code": 28})
    assert rekognition(client).json() == {"FaceDetails": []}


@pytest.mark.parametrize("media_type", ["json", "multipart", "url-encoded", "text in multipart"])
def test_deepface_takes_json_and_forms(gateway: Gateway, media_type: str) -> None:
    services = FakeServices()
    image = b"p" * 3_000_000
    uri = f"data:image/jpeg;base64,{base64.b64encode(image).decode()}"
    sent: dict[str, Any] = {
        "json": {"json": {"img": uri}},
        "multipart": {"files": {"img": ("a.jpg", image)}},
        "url-encoded": {"data": {"img": uri}},
        "text in multipart": {"files": {"img": (None, uri)}},
    }
    answer = gateway(services, compat_apis="deepface").post("/analyze", **sent[media_type])
    assert answer.status_code == 200, answer.text
    assert services.detector.images == [image]


def test_compreface_takes_base64(gateway: Gateway) -> None:
    client = gateway(compat_apis="compreface")
    good = client.post("/api/v1/detection/detect", json={"file": BASE64}, params={"status": "true"})
    assert set(good.json()) == {"result", "plugins_versions"}
    empty = client.post("/api/v1/detection/detect", json={})
    number = client.post("/api/v1/detection/detect", json={"file": 5})
    limit = client.post("/api/v1/detection/detect", json={"file": BASE64}, params={"limit": "-1"})
    assert [answer.json()["code"] for answer in (empty, number, limit)] == [5, 26, 26]


def test_rekognition_knows_one_operation(gateway: Gateway) -> None:
    client = gateway(compat_apis="rekognition")
    for target in ("RekognitionService.DetectLabels", ""):
        answer = rekognition(client, **{"X-Amz-Target": target})
        assert (answer.status_code, answer.json()["__type"]) == (400, "UnknownOperationException")
        assert answer.headers["x-amzn-RequestId"] == answer.headers["X-Request-ID"]
    garbage = client.post("/", content=b"{", headers=TARGET)
    assert garbage.json()["__type"] == "SerializationException"


def test_open_inference_tells_of_server_and_model(gateway: Gateway) -> None:
    client = gateway(compat_apis="open-inference", api_keys="k")
    key = {"X-API-Key": "k"}
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2").status_code == 401
    assert client.get("/v2", headers=key).json()["extensions"] == ["binary_tensor_data"]
    assert client.get("/v2/models/emotion", headers=key).json()["versions"] == ["3"]
    for path, status in (
        ("emotion/ready", 200),
        ("emotion/versions/3/ready", 200),
        ("emotion/versions/4/ready", 404),
        ("emotion/versions/latest", 404),
        ("other", 404),
        ("emotion/config", 404),
    ):
        answer = client.get(f"/v2/models/{path}", headers=key)
        assert answer.status_code == status, path
        assert set(answer.json()) == {"error"} or status == 200


def test_open_inference_is_unready_without_a_model(gateway: Gateway) -> None:
    gone = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "gone")
    answer = gateway(FakeServices(model=FakeModel(error=gone)), compat_apis=ALL).get("/v2/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"error": "gone"})


def test_open_inference_asks_for_the_version_that_is_named(gateway: Gateway) -> None:
    client = gateway(compat_apis="open-inference")
    statuses = [
        client.post(f"/v2/models/emotion/versions/{version}/infer", json={"inputs": [TENSOR]}).status_code
        for version in ("3", "4")
    ]
    assert statuses == [200, 404]


def test_open_inference_takes_no_compressed_body(gateway: Gateway) -> None:
    answer = open_inference(gateway(compat_apis=ALL), **{"Content-Encoding": "gzip"})
    assert (answer.status_code, set(answer.json())) == (415, {"error"})


def test_what_is_counted_is_what_was_sent(gateway: Gateway) -> None:
    broken = ServiceError(ProblemKind.INVALID_IMAGE, "not an image")
    client = gateway(FakeServices(detector=FakeDetector(error=broken)), compat_apis=ALL)
    assert deepface(client).status_code == 400  # where /predict says 422
    open_inference(client)
    metrics = client.get("/metrics").text
    assert 'http_requests_total{method="POST",route="/analyze",status="400"} 1.0' in metrics
    assert 'gateway_predictions_total{source="tensor"} 1.0' in metrics


@pytest.mark.parametrize("ask", [deepface, compreface, rekognition])
def test_pictures_are_counted_as_those_of_predict_are(gateway: Gateway, ask: Ask) -> None:
    client = gateway(compat_apis=ALL)
    ask(client)
    metrics = client.get("/metrics").text
    assert 'gateway_predictions_total{source="upload"} 1.0' in metrics
    assert 'gateway_step_seconds_count{step="detect"} 1.0' in metrics


def test_problems_stay_problems_elsewhere(gateway: Gateway) -> None:
    answer = gateway(compat_apis=ALL).post("/predict", content=b"x", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (415, "application/problem+json")
