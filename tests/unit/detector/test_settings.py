import pytest

from services.detector.searches import default_search, face_search
from services.detector.settings import DetectorSettings


def test_a_search_follows_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_DETECTOR_MIN_FACE_PX", "77")
    assert face_search(DetectorSettings()).parameters.min_face_px == 77


def test_the_default_search_hears_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    published = default_search()
    monkeypatch.setenv("EMOTION_DETECTOR_MIN_FACE_PX", "77")
    monkeypatch.setenv("EMOTION_DETECTOR_SEARCH_SIDE_PX", "640")
    told_nothing = default_search()
    assert (told_nothing.parameters, told_nothing.side_px) == (published.parameters, published.side_px)
    assert (published.parameters.min_face_px, published.side_px) == (48, 1280)
