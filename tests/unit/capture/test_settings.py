import pytest

from services.capture.settings import CaptureSettings
from services.runtime.settings import SettingsError, load_settings


def test_defaults_are_the_demo_feed_and_the_local_redis() -> None:
    settings = load_settings(CaptureSettings)
    assert [(entry.camera_id, entry.source.value) for entry in settings.cameras] == [("cam0", "demo")]
    assert settings.redis_url.get_secret_value() == "redis://127.0.0.1:6379/0"
    assert (settings.port, settings.width, settings.height, settings.fps) == (8001, 1280, 720, 30.0)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CAMERAS", "cam0", "EMOTION_CAPTURE_CAMERAS: .*not of the form id=source"),
        ("REDIS_URL", "http://:hunter2@host", "EMOTION_CAPTURE_REDIS_URL: .*must be a URL such as"),
        ("REDIS_URL", "redis://:hunter2@host:port", "EMOTION_CAPTURE_REDIS_URL: .*must be a URL such as"),
        ("REDIS_URL", "redis://:hunter2", "EMOTION_CAPTURE_REDIS_URL: .*must be a URL such as"),
        ("FPS", "0", "EMOTION_CAPTURE_FPS"),
        ("RECONNECT_MAX_S", "0.1", "EMOTION_CAPTURE_RECONNECT_MAX_S: .*must not be below"),
        ("CAMERA", "0", "EMOTION_CAPTURE_CAMERA: unknown setting; did you mean EMOTION_CAPTURE_CAMERAS"),
    ],
)
def test_invalid_setting_is_an_error_of_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(f"EMOTION_CAPTURE_{name}", value)
    with pytest.raises(SettingsError, match=message) as caught:
        load_settings(CaptureSettings)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_no_password_in_the_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_CAPTURE_CAMERAS", "door=rtsp://user:hunter2@h/x")
    monkeypatch.setenv("EMOTION_CAPTURE_REDIS_URL", "rediss://:hunter2@h:6380/1")
    assert "hunter2" not in repr(load_settings(CaptureSettings))


def test_every_setting_is_described() -> None:
    assert [name for name, field in CaptureSettings.model_fields.items() if not field.description] == []
