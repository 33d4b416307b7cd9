from pathlib import Path

import pytest

from services.serving.errors import FailedPreconditionError
from services.serving.labels import new_labels
from services.serving.model_config import ModelConfig

AVAILABLE = {"m": {1, 2}}
CURRENT = {"m": {"stable": 1}}


def config(**labels: int) -> tuple[ModelConfig, ...]:
    return (ModelConfig("m", Path("/m"), labels=labels),)


def test_labels_name_versions_that_answer() -> None:
    assert new_labels(config(stable=2, canary=1), CURRENT, AVAILABLE, False) == {"m": {"stable": 2, "canary": 1}}
    assert new_labels(config(), CURRENT, AVAILABLE, False) == {"m": {}}
    assert new_labels((), CURRENT, AVAILABLE, False) == {}


def test_a_label_for_a_version_that_does_not_answer_is_refused() -> None:
    with pytest.raises(FailedPreconditionError) as caught:
        new_labels(config(canary=3), CURRENT, AVAILABLE, False)
    assert str(caught.value) == (
        "Request to assign label to version 3 of model m, which is not currently available for inference"
    )


def test_a_new_label_may_be_early_where_that_is_allowed() -> None:
    assert new_labels(config(canary=3), CURRENT, AVAILABLE, True) == {"m": {"canary": 3}}
    assert new_labels(config(stable=3), {"m": {"stable": 3}}, AVAILABLE, True) == {"m": {"stable": 3}}


def test_a_label_in_use_never_moves_to_a_version_that_does_not_answer() -> None:
    with pytest.raises(FailedPreconditionError, match="version 3 of model m"):
        new_labels(config(stable=3), CURRENT, AVAILABLE, True)
