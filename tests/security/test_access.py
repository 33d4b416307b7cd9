"""API keys, rate limits and per-client limits, over real sockets."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from launcher.ports import free_port
from services.gateway.settings import GatewaySettings
from services.runtime.settings import SettingsError, load_settings
from tests.support.processes import ModuleProcess
from tests.support.waiting import DEFAULT_TIMEOUT_S

KEY = "right-key-of-some-length"
Start = Callable[..., int]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a gateway without other services and returns its port; keyword arguments are settings."""
    with ExitStack() as stack:

        def started(**settings: str) -> int:
            port = free_port()
            env = {f"EMOTION_GATEWAY_{name.upper()}": value for name, value in settings.items()}
            redis = {"EMOTION_GATEWAY_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
            gateway = ModuleProcess(
                "services.gateway",
                tmp_path / f"{port}.log",
                {"EMOTION_GATEWAY_PORT": str(port), **redis, **env},
            )
            stack.enter_context(gateway).wait_until_answers(f"http://127.0.0.1:{port}/healthz")
            return port

        yield started


def client(port: int, address: str = "127.0.0.1", **headers: str) -> httpx.Client:
    """Return a client that connects from this local address."""
    transport = httpx.HTTPTransport(local_address=address)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Client(
        transport=transport, base_url=f"http://127.0.0.1:{port}", headers=named, timeout=DEFAULT_TIMEOUT_S
    )


def guess(http: httpx.Client, count: int) -> list[int]:
    """Send wrong keys concurrently; return the status codes."""

    def status(number: int) -> int:
        return http.get("/services", headers={"X-API-Key": f"wrong {number}"}).status_code

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(status, range(count)))


def test_forwarded_address_does_not_evade_the_rate_limit(start: Start) -> None:
    port = start(api_keys=KEY, rate_limit="5/minute")
    with client(port) as http:
        statuses = [
            http.get("/services", headers={"X-API-Key": f"wrong {number}", "X-Forwarded-For": forwarded}).status_code
            for number in range(4)
            for forwarded in (f"192.0.2.{number}", f"2001:db8::{number}", "not an address")
        ]
    assert statuses == 5 * [401] + 7 * [429]


def test_clients_behind_a_trusted_proxy_are_limited_separately(start: Start) -> None:
    port = start(rate_limit="1/minute", trusted_proxies="127.0.0.0/30")
    with client(port) as proxy, client(port, "127.0.0.9") as other:
        for forwarded in ("192.0.2.1", "192.0.2.2", "2001:db8:0:1::1", "2001:db8:0:2::1"):
            assert proxy.get("/services", headers={"X-Forwarded-For": forwarded}).status_code == 200
        for forwarded in ("192.0.2.1", "2001:db8:0:1::ffff", "spoofed, 192.0.2.2"):
            assert proxy.get("/services", headers={"X-Forwarded-For": forwarded}).status_code == 429
        # All values that are not addresses count as one client.
        invalid = [proxy.get("/services", headers={"X-Forwarded-For": f"x{n}"}).status_code for n in range(3)]
        assert invalid == [200, 429, 429]
        spoofed = [other.get("/services", headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code for n in range(3)]
        assert spoofed == [200, 429, 429]


def test_wrong_keys_are_limited_without_locking_out_valid_keys(start: Start) -> None:
    port = start(api_keys=KEY)
    with client(port) as http:
        assert http.get("/services", headers={"X-API-Key": KEY}).status_code == 200
        for _ in range(20):
            assert http.get("/services").status_code == 401  # a missing key is not a failed attempt
        assert sorted(guess(http, 24)) == 20 * [401] + 4 * [429]
    with client(port, X_API_Key=KEY) as known, client(port, "127.0.0.9", X_API_Key=KEY) as other:
        assert known.get("/services").status_code == 200
        assert other.get("/services").status_code == 200
        assert "gateway_wrong_keys_total 20.0" in known.get("/metrics").text


def test_new_valid_key_from_a_blocked_address_is_rejected(start: Start) -> None:
    port = start(api_keys=f"{KEY},{KEY}-2")
    with client(port) as http:
        guess(http, 20)
        assert http.get("/services", headers={"X-API-Key": f"{KEY}-2"}).status_code == 429


def test_uploads_of_one_client_are_limited(start: Start) -> None:
    port = start(max_uploads="8", max_uploads_per_client="1")
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nContent-Type: image/jpeg\r\n\r\nx"
    with ExitStack() as stack:
        answers = []
        for _ in range(8):
            opened = stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), DEFAULT_TIMEOUT_S)))
            opened.sendall(head)
            opened.settimeout(0.5)
            try:
                answers.append(opened.recv(12))
            except TimeoutError:
                answers.append(b"")
        assert answers == 4 * [b""] + 4 * [b"HTTP/1.1 429"]
        other = stack.enter_context(client(port, "127.0.0.9"))
        answer = other.post("/predict", content=b"x", headers={"Content-Type": "image/jpeg"})
        assert answer.json()["type"] != "urn:emotion:problem:overloaded"
        assert answer.status_code == 503  # no detector is running


def test_concurrent_readiness_requests_share_one_check(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as detector:
        detector.settimeout(0.2)
        port = start(detector_url=f"http://127.0.0.1:{detector.getsockname()[1]}")
        with ExitStack() as stack:
            for _ in range(40):
                opened = stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), DEFAULT_TIMEOUT_S)))
                opened.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connections = []
            try:
                while True:
                    connections.append(detector.accept()[0])
            except TimeoutError:
                pass
            for connection in connections:
                connection.close()
        assert 1 <= len(connections) <= 4


def test_metrics_contain_no_emotions(start: Start) -> None:
    with client(start()) as http:
        labels = http.get("/metrics").text
    assert "gateway_predictions" in labels
    assert "emotion=" not in labels


@pytest.mark.parametrize("value", [" ", ",", " , ", ",,,", "\t"])
def test_blank_api_keys_are_an_error(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("EMOTION_GATEWAY_API_KEYS", value)
    with pytest.raises(SettingsError, match="EMOTION_GATEWAY_API_KEYS"):
        load_settings(GatewaySettings)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "cam.local", ""])
def test_public_address_without_keys_is_an_error(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("EMOTION_GATEWAY_HOST", host)
    with pytest.raises(SettingsError, match="EMOTION_GATEWAY_ALLOW_ANONYMOUS"):
        load_settings(GatewaySettings)
    monkeypatch.setenv("EMOTION_GATEWAY_ALLOW_ANONYMOUS", "true")
    load_settings(GatewaySettings)
    monkeypatch.delenv("EMOTION_GATEWAY_ALLOW_ANONYMOUS")
    monkeypatch.setenv("EMOTION_GATEWAY_API_KEYS", KEY)
    load_settings(GatewaySettings)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.9.9.9"])
def test_loopback_address_without_keys_is_allowed(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("EMOTION_GATEWAY_HOST", host)
    load_settings(GatewaySettings)


@pytest.mark.parametrize(("published", "allowed"), [("127.0.0.1", True), ("0.0.0.0", False), ("10.1.2.3", False)])
def test_published_address_of_a_container_decides(
    monkeypatch: pytest.MonkeyPatch, published: str, allowed: bool
) -> None:
    monkeypatch.setenv("EMOTION_GATEWAY_HOST", "0.0.0.0")
    monkeypatch.setenv("EMOTION_GATEWAY_PUBLISHED_ADDRESS", published)
    if allowed:
        load_settings(GatewaySettings)
        return
    with pytest.raises(SettingsError, match=published):
        load_settings(GatewaySettings)


@pytest.mark.parametrize("value", ["*", "proxy", "10.0.0.0/99", "127.0.0.1:80"])
def test_invalid_proxy_address_is_an_error(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("EMOTION_GATEWAY_TRUSTED_PROXIES", value)
    with pytest.raises(SettingsError, match="EMOTION_GATEWAY_TRUSTED_PROXIES"):
        load_settings(GatewaySettings)
