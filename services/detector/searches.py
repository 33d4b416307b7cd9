"""Turns settings into a search."""

from services.detector.cascade import HaarCascade
from services.detector.search import FaceSearch
from services.detector.settings import DetectorSettings
from services.detector.two_stage import SearchParameters


def face_search(settings: DetectorSettings) -> FaceSearch:
    """Return a search of its own, for one thread at a time.

    Raises:
        CascadeError: The cascade can't be loaded.
    """
    parameters = SearchParameters(settings.scale_factor, settings.min_neighbors, settings.min_face_px)
    return FaceSearch(HaarCascade(settings.cascade), parameters, settings.search_side_px)


def default_search() -> FaceSearch:
    """Return the search that a detector makes which is told nothing, whatever this process's environment says."""
    return face_search(DetectorSettings.model_construct())
