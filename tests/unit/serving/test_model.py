import pytest
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

from services.serving.choice import Choice
from services.serving.errors import InvalidArgumentError, ModelError, NotFoundError
from services.serving.model import Model, State
from services.serving.models import Models
from services.serving.readiness import are_ready, describe
from services.serving.servable import Servable


def servable(version: int) -> Servable:
    return Servable("m", version, {}, SignatureDefMap(), {}, None)


def states(model: Model) -> dict[int, State]:
    return {status.version: status.state for status in model.statuses()}


def test_a_version_ends_once_nothing_uses_it() -> None:
    model = Model("m")
    for version in (1, 2):
        model.available(servable(version))
    with model.lease(1) as first, model.lease(1):
        model.retire(1)
        assert states(model) == {2: State.AVAILABLE, 1: State.UNLOADING}
        with pytest.raises(NotFoundError), model.lease(1):
            pass
        with model.lease() as newest:
            assert (first.version, newest.version) == (1, 2)
        assert states(model)[1] is State.UNLOADING
    assert states(model)[1] is State.END
    model.retire(2)
    assert states(model)[2] is State.END


def test_a_version_may_come_back() -> None:
    model = Model("m")
    model.available(servable(1))
    model.retire(1)
    model.available(servable(1))
    with model.lease() as found:
        assert found.version == 1
    assert states(model) == {1: State.AVAILABLE}


def test_labels_name_versions_of_their_model() -> None:
    models = Models()
    for version in (1, 2):
        models.add("m").available(servable(version))
    models.labels = {"m": {"stable": 1, "gone": 7}}
    with models.lease(Choice("m", label="stable")) as found:
        assert found.version == 1
    assert [status.version for status in models.statuses(Choice("m", label="stable"))] == [1]
    with pytest.raises(InvalidArgumentError, match="Unrecognized servable version label: canary"):
        models.statuses(Choice("m", label="canary"))
    with pytest.raises(InvalidArgumentError, match="Unrecognized servable version label: stable"):
        models.lease(Choice("other", label="stable"))
    with (
        pytest.raises(NotFoundError, match=r"Servable not found for request: Specific\(m, 7\)"),
        models.lease(Choice("m", label="gone")),
    ):
        pass


def test_ready_is_when_every_model_answers() -> None:
    good, bad = Model("good"), Model("bad")
    good.available(servable(3))
    assert (are_ready([]), describe([])) == (False, "no model is configured")
    assert (are_ready([good]), describe([good])) == (True, "version 3 is AVAILABLE")
    assert not are_ready([good, bad])
    assert describe([good, bad]) == "good: version 3 is AVAILABLE; bad: Could not find any versions of model bad"
    bad.failed(1, ModelError("no file", 5))
    assert describe([bad]) == "version 1 is END: no file"
