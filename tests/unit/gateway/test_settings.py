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


def test_a_rate_that_cannot_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_GATEWAY_RATE_LIMIT", "often")
    with pytest.raises(SettingsError, match="EMOTION_GATEWAY_RATE_LIMIT"):
        load_settings(GatewaySettings)


def test_the_port_that_kubernetes_injects_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "tcp://10.0.0.1:8000")
    assert load_settings(GatewaySettings).port == 8000
