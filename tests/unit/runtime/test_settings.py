import pytest

from services.runtime.settings import SettingsError, load_settings, load_settings_or_exit
from tests.support.tiny_service import TinySettings


def test_defaults() -> None:
    settings = load_settings(TinySettings)
    assert (settings.host, settings.log_level, settings.log_format) == ("127.0.0.1", "INFO", "text")


def test_values_are_read_and_their_types_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_TINY_PORT", "8123")
    monkeypatch.setenv("EMOTION_TINY_NAMES", '["a", "b"]')
    monkeypatch.setenv("emotion_tiny_drain_s", "1.5")
    settings = load_settings(TinySettings)
    assert (settings.port, settings.names, settings.drain_s) == (8123, ("a", "b"), 1.5)


@pytest.mark.parametrize("name", ["EMOTION_TINY_PROT", "emotion_tiny_prot", "EMOTION_TINY_PORT__X"])
def test_misspelt_variable_is_an_error_with_a_suggestion(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError) as raised:
        load_settings(TinySettings)
    assert str(raised.value) == f"{name}: unknown setting; did you mean EMOTION_TINY_PORT?"


@pytest.mark.parametrize("name", ["EMOTION_TINY_COLOUR", "emotion_tiny_colour"])
def test_unknown_variable_is_an_error_with_the_known_ones(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError) as raised:
        load_settings(TinySettings)
    assert str(raised.value).startswith(f"{name}: unknown setting; known settings are ")
    assert "EMOTION_TINY_PORT" in str(raised.value)
    assert "EMOTION_TINY_DRAIN_S" in str(raised.value)


def test_each_unknown_variable_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_TINY_B", "1")
    monkeypatch.setenv("EMOTION_TINY_A", "1")
    with pytest.raises(SettingsError) as raised:
        load_settings(TinySettings)
    assert [line.split(":")[0] for line in str(raised.value).splitlines()] == ["EMOTION_TINY_A", "EMOTION_TINY_B"]


def test_variables_of_others_are_no_business_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_OTHER_PORT", "1")
    monkeypatch.setenv("TINY_PORT", "tcp://10.0.0.1:80")
    assert load_settings(TinySettings).port == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMOTION_TINY_PORT", "tcp://10.0.0.1:80"),
        ("EMOTION_TINY_PORT", "65536"),
        ("EMOTION_TINY_PORT", ""),
        ("EMOTION_TINY_LOG_LEVEL", "LOUD"),
        ("EMOTION_TINY_DRAIN_S", "-1"),
        ("EMOTION_TINY_STOP_TIMEOUT_S", "0"),
        ("EMOTION_TINY_NAMES", '{"a": 1}'),
    ],
)
def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}: "):
        load_settings(TinySettings)


def test_a_list_that_is_not_json_is_a_settings_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_TINY_NAMES", "a,b")
    with pytest.raises(SettingsError, match=r"^EMOTION_TINY_NAMES: not valid JSON$"):
        load_settings(TinySettings)


def test_a_service_leaves_with_status_2_and_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMOTION_TINY_PROT", "1")
    with pytest.raises(SystemExit) as left:
        load_settings_or_exit(TinySettings)
    assert left.value.code == 2
    assert "EMOTION_TINY_PROT" in capsys.readouterr().err
