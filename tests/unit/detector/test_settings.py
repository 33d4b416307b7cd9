import pytest

from services.detector.options import SearchSettings
from services.detector.settings import DetectorSettings


def test_the_search_follows_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_DETECTOR_MIN_FACE_PX", "77")
    assert DetectorSettings().search().min_face_px == 77


def test_defaults_are_those_of_the_search() -> None:
    assert DetectorSettings().search() == SearchSettings()
