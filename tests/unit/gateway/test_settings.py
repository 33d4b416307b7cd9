import pytest

from services.gateway.settings import GatewaySettings
from services.runtime.settings import SettingsError, load_settings


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_GATEWAY_API_KEYS", "one, two,")
    monkeypatch.setenv("EMOTION_GATEWAY_CORS_ORIGINS", "https://a.example,https://b.example")
    settings = load_settings(GatewaySettings)
    assert [key.get_secret_value() for key in settings.api_keys] == ["one", "two"]
    assert settings.cors_origins == ("https://a.example", "https://b.example")


def test_secrets_are_not_shown() -> None:
    settings = GatewaySettings.model_validate({"api_keys": "hush", "redis_url": "redis://:hush@host/0"})
    assert "hush" not in repr(settings)


def test_an_invalid_rate_limit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_GATEWAY_RATE_LIMIT", "often")
    with pytest.raises(SettingsError, match="EMOTION_GATEWAY_RATE_LIMIT"):
        load_settings(GatewaySettings)


def test_the_port_variable_of_kubernetes_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "tcp://10.0.0.1:8000")
    assert load_settings(GatewaySettings).port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://:hush@host:port"),
        ("DETECTOR_URL", "localhost:8002"),
        ("DETECTOR_URL", "http://"),
        ("DETECTOR_URL", "http://user:hush@detector:8002"),
        ("DETECTOR_URL", "http://detector:8002/?query"),
        ("SERVING_TARGET", "serving"),
        ("SERVING_TARGET", "http://serving:8500"),
        ("SERVING_TARGET", "serving:85000"),
        ("SERVING_TARGET", "unix:run/serving.sock"),
        ("SERVING_TARGET", "unix://serving/run/serving.sock"),
        ("SERVING_TARGET", "unix:///run/serving.sock?a"),
        ("SERVING_TARGET", "unix://"),
    ],
)
def test_an_invalid_address_fails_at_startup(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"EMOTION_GATEWAY_{name}", value)
    with pytest.raises(SettingsError, match=rf"^EMOTION_GATEWAY_{name}: .*must be") as told:
        load_settings(GatewaySettings)
    assert "hush" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CORS_ORIGINS", "https://app.example/"),
        ("CORS_ORIGINS", "app.example"),
        ("CORS_ORIGINS", "https://a.example,ftp://b.example"),
        ("ALLOWED_HOSTS", "https://cam.example"),
        ("ALLOWED_HOSTS", "cam.example:8000"),
        ("ALLOWED_HOSTS", "cam.*.example"),
    ],
)
def test_an_origin_or_host_that_never_matches_fails_at_startup(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"EMOTION_GATEWAY_{name}", value)
    with pytest.raises(SettingsError, match=rf"^EMOTION_GATEWAY_{name}: .* is no"):
        load_settings(GatewaySettings)


def test_hosts_and_origins_that_requests_may_name() -> None:
    given = {
        "host": "Cam.local",
        "allow_anonymous": True,
        "allowed_hosts": "*.Example.org, gateway",
        "cors_origins": "https://App.example:8443",
    }
    allowed = GatewaySettings.model_validate(given).origin_policy
    assert allowed.hosts == {"cam.local", "*.example.org", "gateway"}
    assert allowed.origins == {"https://app.example:8443"}


@pytest.mark.parametrize("target", ["serving:8500", "127.0.0.1:8500", "[::1]:8500", "unix:///run/s.sock"])
def test_addresses_of_the_model_server(target: str) -> None:
    assert GatewaySettings.model_validate({"serving_target": target}).serving_target == target
