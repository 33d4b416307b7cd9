import pytest

from services.detector.cascade import CascadeError, HaarCascade


@pytest.mark.parametrize("name", ["no_such_cascade", "/nonexistent.xml"])
def test_missing_cascade(name: str) -> None:
    with pytest.raises(CascadeError, match="no cascade at"):
        HaarCascade(name)
