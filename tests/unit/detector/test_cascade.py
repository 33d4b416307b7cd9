import pytest

from services.detector.cascade import CascadeError, HaarCascade


@pytest.mark.parametrize("name", ["no_such_cascade", "/nonexistent.xml"])
def test_a_cascade_that_is_not_there(name: str) -> None:
    with pytest.raises(CascadeError, match="no cascade at"):
        HaarCascade(name)
