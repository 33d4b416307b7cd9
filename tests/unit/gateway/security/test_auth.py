import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.gateway_fakes import FakeDetector, FakeServices
from tests.unit.gateway.conftest import Gateway

GUARDED = ["/predict", "/cameras", "/cameras/cam0/frame.jpg", "/services"]


@pytest.mark.parametrize("path", GUARDED)
def test_without_a_key_where_keys_are_set(gateway: Gateway, path: str) -> None:
    answer = gateway(api_keys="first,second").get(path)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:emotion:problem:unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("headers", [{"X-API-Key": "second"}, {"Authorization": "Bearer second"}])
@pytest.mark.parametrize("path", GUARDED)
def test_with_a_known_key(gateway: Gateway, path: str, headers: dict[str, str]) -> None:
    assert gateway(api_keys="first,second").get(path, headers=headers).status_code == 200


@pytest.mark.parametrize("headers", [{"X-API-Key": "wrong"}, {"X-API-Key": ""}, {"Authorization": "Basic second"}])
def test_with_a_wrong_key(gateway: Gateway, headers: dict[str, str]) -> None:
    assert gateway(api_keys="first,second").get("/predict", headers=headers).status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_needs_no_key(gateway: Gateway, path: str) -> None:
    assert gateway(api_keys="first").get(path).status_code == 200


def test_too_many_requests(gateway: Gateway) -> None:
    client = gateway(rate_limit="2/minute")
    statuses = [client.get("/predict").status_code for _ in range(3)]
    answer = client.get("/predict")
    assert statuses == [200, 200, 429]
    assert answer.json()["type"] == "urn:emotion:problem:rate-limited"
    wait_s = int(answer.headers["Retry-After"])
    assert 50 <= wait_s <= 60
    assert f"try again in {wait_s} s" in answer.json()["detail"]


def test_each_known_key_has_a_limit_of_its_own(gateway: Gateway) -> None:
    client = gateway(rate_limit="1/minute", api_keys="a,b")
    statuses = [client.get("/predict", headers={"X-API-Key": key}).status_code for key in ("a", "b", "a")]
    assert statuses == [200, 200, 429]


def test_wrong_keys_do_not_raise_the_rate_limit(gateway: Gateway) -> None:
    client = gateway(rate_limit="1/minute")
    statuses = [client.get("/predict", headers={"X-API-Key": key}).status_code for key in ("x", "y", "z")]
    assert statuses == [200, 429, 429]


def test_guessing_keys_is_limited(gateway: Gateway) -> None:
    client = gateway(rate_limit="2/minute", api_keys="a")
    statuses = [client.get("/predict", headers={"X-API-Key": key}).status_code for key in ("x", "y", "z")]
    assert statuses == [401, 401, 429]


def test_predictions_beyond_those_in_flight_are_refused(gateway: Gateway) -> None:
    services = FakeServices(detector=FakeDetector(delay_s=0.5))
    client = gateway(services, max_in_flight=2)

    def predict(number: int) -> int:
        image = f"image {number}".encode()
        return client.post("/predict", content=image, headers={"Content-Type": "image/jpeg"}).status_code

    with ThreadPoolExecutor(6) as threads:
        statuses = sorted(threads.map(predict, range(6)))
    assert statuses[:2] == [200, 200]
    assert set(statuses[2:]) <= {200, 503}
    assert 503 in statuses


def test_no_web_page_may_call_by_default(gateway: Gateway) -> None:
    answer = gateway().get("/predict", headers={"Origin": "https://example.org"})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:emotion:problem:cross-origin-forbidden")
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert "access-control-allow-origin" not in answer.headers


def test_a_named_origin_may_call_and_read_errors(gateway: Gateway) -> None:
    client = gateway(cors_origins="https://example.org")
    good = client.get("/predict", headers={"Origin": "https://example.org"})
    bad = client.get("/predict?camera=no", headers={"Origin": "https://example.org"})
    other = client.get("/predict", headers={"Origin": "https://example.com"})
    assert good.headers["access-control-allow-origin"] == "https://example.org"
    assert (bad.status_code, bad.headers["access-control-allow-origin"]) == (404, "https://example.org")
    assert (other.status_code, "access-control-allow-origin" in other.headers) == (403, False)


PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "x-api-key",
    "Access-Control-Request-Private-Network": "true",
}


def test_a_named_origin_passes_the_preflight(gateway: Gateway) -> None:
    client = gateway(cors_origins="https://Example.org")
    answer = client.options("/predict", headers={**PREFLIGHT, "Origin": "https://example.org"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://example.org"
    assert answer.headers["access-control-allow-private-network"] == "true"


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        ({}, {"Origin": "https://example.org"}),
        ({"cors_origins": "https://example.org"}, {"Origin": "https://example.com"}),
        ({"cors_origins": "https://example.org"}, {"Origin": "http://testserver"}),
        (
            {"cors_origins": "https://example.org"},
            {"Origin": "https://example.org", "Access-Control-Request-Method": "DELETE"},
        ),
    ],
    ids=["no origins", "another origin", "our own, which need not ask", "another method"],
)
def test_a_preflight_that_fails_is_a_problem(
    gateway: Gateway, settings: dict[str, str], headers: dict[str, str]
) -> None:
    answer = gateway(**settings).options("/predict", headers={**PREFLIGHT, **headers})
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:emotion:problem:cross-origin-forbidden"
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers.get("access-control-allow-origin") in (None, "https://example.org")


def test_an_unknown_host_is_refused_but_for_health(gateway: Gateway) -> None:
    client = gateway()
    answers = {path: client.get(path, headers={"Host": "evil.example"}) for path in ("/cameras", "/metrics", "/docs")}
    assert {answer.status_code for answer in answers.values()} == {421}
    assert answers["/cameras"].json()["type"] == "urn:emotion:problem:unknown-host"
    assert "EMOTION_GATEWAY_ALLOWED_HOSTS" in answers["/cameras"].json()["detail"]
    health = [client.get(path, headers={"Host": "balancer.example"}).status_code for path in ("/healthz", "/readyz")]
    assert health == [200, 200]


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({"X-API-Key": "wrong"}, 401),
        ({"Origin": "https://evil.example"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"X-API-Key": "right"}, 429),
    ],
)
def test_every_refusal_is_counted_and_has_the_id_of_the_request(
    gateway: Gateway, header: dict[str, str], status: int
) -> None:
    client = gateway(api_keys="right", rate_limit="1/hour")
    if status == 429:
        client.get("/services", headers=header)
    answer = client.get("/cameras", headers={"X-Request-ID": "the-id", **header})
    assert (answer.status_code, answer.json()["request_id"]) == (status, "the-id")
    assert answer.headers["X-Request-ID"] == "the-id"
    counted = re.findall(r"^http_requests_total\{(.*)\} 1\.0$", client.get("/metrics").text, re.MULTILINE)
    assert any(f'status="{status}"' in labels for labels in counted)


@pytest.mark.parametrize(
    "header", ["X-Amz-Target", "X-Amz-Date", "Authorization", "Inference-Header-Content-Length", "X-API-Key"]
)
def test_pages_may_send_the_headers_of_the_compatible_apis(gateway: Gateway, header: str) -> None:
    client = gateway(cors_origins="https://example.org")
    preflight = {**PREFLIGHT, "Origin": "https://example.org", "Access-Control-Request-Headers": header}
    answer = client.options("/", headers=preflight)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://example.org")


def test_rejections_are_counted_by_reason(gateway: Gateway) -> None:
    client = gateway()
    client.get("/cameras", headers={"Host": "evil.example"})
    client.get("/cameras", headers={"Origin": "null"})
    client.get("/cameras", headers={"Origin": "null"})
    metrics = client.get("/metrics").text
    assert 'http_origin_rejected_total{reason="unknown-host"} 1.0' in metrics
    assert 'http_origin_rejected_total{reason="cross-origin-forbidden"} 2.0' in metrics


@pytest.mark.parametrize("path", ["/cameras/cam0/frame.jpg", "/predict", "/nowhere", "/docs"])
def test_every_answer_is_for_our_own_pages(gateway: Gateway, path: str) -> None:
    headers = gateway().get(path).headers
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"


def test_pictures_are_for_all_origins_if_all_are_allowed(gateway: Gateway) -> None:
    answer = gateway(cors_origins="*").get("/cameras/cam0/frame.jpg", headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.headers["Cross-Origin-Resource-Policy"]) == (200, "cross-origin")
