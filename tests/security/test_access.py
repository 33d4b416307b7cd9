"""Keys, limits and shares against clients that want more than their part, over real sockets."""

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
    """Starts a gateway that reaches no other service; keyword arguments are its settings. Returns its port."""
    with ExitStack() as stack:

        def started(**settings: str) -> int:
            port = free_port()
            ours = {f"EMOTION_GATEWAY_{name.upper()}": value for name, value in settings.items()}
            redis = {"EMOTION_GATEWAY_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
            gateway = ModuleProcess(
                "services.gateway", tmp_path / f"{port}.log", {"EMOTION_GATEWAY_PORT": str(port), **redis, **ours}
            )
            stack.enter_context(gateway).wait_until_answers(f"http://127.0.0.1:{port}/healthz")
            return port

        yield started


def client(port: int, address: str = "127.0.0.1", **headers: str) -> httpx.Client:
    """Return a client that connects from an address of this machine."""
    transport = httpx.HTTPTransport(local_address=address)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Client(
        transport=transport, base_url=f"http://127.0.0.1:{port}", headers=named, timeout=DEFAULT_TIMEOUT_S
    )


def guess(asking: httpx.Client, count: int) -> list[int]:
    """Send wrong keys at the same time; return the statuses of the answers."""

    def status(number: int) -> int:
        return asking.get("/services", headers={"X-API-Key": f"wrong {number}"}).status_code

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(status, range(count)))


def test_a_forwarded_address_gives_no_more_tries(start: Start) -> None:
    port = start(api_keys=KEY, rate_limit="5/minute")
    with client(port) as asking:
        statuses = [
            asking.get("/services", headers={"X-API-Key": f"wrong {number}", "X-Forwarded-For": forwarded}).status_code
            for number in range(4)
            for forwarded in (f"192.0.2.{number}", f"2001:db8::{number}", "no address")
        ]
    assert statuses == 5 * [401] + 7 * [429]


def test_clients_behind_a_trusted_proxy_are_distinguished(start: Start) -> None:
    port = start(rate_limit="1/minute", trusted_proxies="127.0.0.0/30")
    with client(port) as proxy, client(port, "127.0.0.9") as other:
        for forwarded in ("192.0.2.1", "192.0.2.2", "2001:db8:0:1::1", "2001:db8:0:2::1"):
            assert proxy.get("/services", headers={"X-Forwarded-For": forwarded}).status_code == 200
        for forwarded in ("192.0.2.1", "2001:db8:0:1::ffff", "spoofed, 192.0.2.2"):
            assert proxy.get("/services", headers={"X-Forwarded-For": forwarded}).status_code == 429
        # Whatever is no address counts as one client.
        made_up = [proxy.get("/services", headers={"X-Forwarded-For": f"x{n}"}).status_code for n in range(3)]
        assert made_up == [200, 429, 429]
        spoofed = [other.get("/services", headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code for n in range(3)]
        assert spoofed == [200, 429, 429]


def test_wrong_keys_are_limited_without_locking_valid_keys_out(start: Start) -> None:
    port = start(api_keys=KEY)
    with client(port) as asking:
        assert asking.get("/services", headers={"X-API-Key": KEY}).status_code == 200
        for _ in range(20):
            assert asking.get("/services").status_code == 401  # no key is no guess
        assert sorted(guess(asking, 24)) == 20 * [401] + 4 * [429]
    with client(port, X_API_Key=KEY) as known, client(port, "127.0.0.9", X_API_Key=KEY) as elsewhere:
        assert known.get("/services").status_code == 200
        assert elsewhere.get("/services").status_code == 200
        assert "gateway_wrong_keys_total 20.0" in known.get("/metrics").text


def test_valid_key_from_a_locked_address_is_rejected(start: Start) -> None:
    port = start(api_keys=f"{KEY},{KEY}-2")
    with client(port) as asking:
        guess(asking, 20)
        assert asking.get("/services", headers={"X-API-Key": f"{KEY}-2"}).status_code == 429


def test_one_client_can_not_take_all_uploads(start: Start) -> None:
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
        assert answer.status_code == 503  # there is no detector


def test_readiness_costs_dependencies_one_measurement_however_many_ask(start: Start) -> None:
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


def test_metrics_contain_no_emotions_of_people(start: Start) -> None:
    with client(start()) as asking:
        labels = asking.get("/metrics").text
    assert "gateway_predictions" in labels
    assert "emotion=" not in labels


@pytest.mark.parametrize("value", [" ", ",", " , ", ",,,", "\t"])
def test_keys_that_are_set_but_blank_are_an_error(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("EMOTION_GATEWAY_API_KEYS", value)
    with pytest.raises(SettingsError, match="EMOTION_GATEWAY_API_KEYS"):
        load_settings(GatewaySettings)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "cam.local", ""])
def test_gateway_without_keys_does_not_listen_on_other_addresses(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("EMOTION_GATEWAY_HOST", host)
    with pytest.raises(SettingsError, match="EMOTION_GATEWAY_ALLOW_ANONYMOUS"):
        load_settings(GatewaySettings)
    monkeypatch.setenv("EMOTION_GATEWAY_ALLOW_ANONYMOUS", "true")
    load_settings(GatewaySettings)
    monkeypatch.delenv("EMOTION_GATEWAY_ALLOW_ANONYMOUS")
    monkeypatch.setenv("EMOTION_GATEWAY_API_KEYS", KEY)
    load_settings(GatewaySettings)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.9.9.9"])
def test_without_keys_this_machine_is_served(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("EMOTION_GATEWAY_HOST", host)
    load_settings(GatewaySettings)


@pytest.mark.parametrize(("published", "allowed"), [("127.0.0.1", True), ("0.0.0.0", False), ("10.1.2.3", False)])
def test_in_a_container_the_published_address_counts(
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
def test_proxies_are_named_by_address(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("EMOTION_GATEWAY_TRUSTED_PROXIES", value)
    with pytest.raises(SettingsError, match="EMOTION_GATEWAY_TRUSTED_PROXIES"):
        load_settings(GatewaySettings)
