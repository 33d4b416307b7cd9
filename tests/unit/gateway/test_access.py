import pytest

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
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_each_key_has_a_limit_of_its_own(gateway: Gateway) -> None:
    client = gateway(rate_limit="1/minute", api_keys="a,b")
    statuses = [client.get("/predict", headers={"X-API-Key": key}).status_code for key in ("a", "b", "a")]
    assert statuses == [200, 200, 429]


def test_no_web_page_may_call_by_default(gateway: Gateway) -> None:
    answer = gateway().get("/predict", headers={"Origin": "https://example.org"})
    assert "access-control-allow-origin" not in answer.headers


def test_a_named_origin_may_call_and_read_errors(gateway: Gateway) -> None:
    client = gateway(cors_origins="https://example.org")
    good = client.get("/predict", headers={"Origin": "https://example.org"})
    bad = client.get("/predict?camera=no", headers={"Origin": "https://example.org"})
    other = client.get("/predict", headers={"Origin": "https://example.com"})
    assert good.headers["access-control-allow-origin"] == "https://example.org"
    assert (bad.status_code, bad.headers["access-control-allow-origin"]) == (404, "https://example.org")
    assert "access-control-allow-origin" not in other.headers
