"""A model list that changes while the server is running."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub

from tests.support.model_server import (
    ServerProcess,
    arrays,
    code_and_details,
    entry,
    floats,
    label,
    message,
    model_list,
    predict,
    predict_error,
    replace,
    specific,
    statuses,
)
from tests.support.waiting import DEFAULT_TIMEOUT_S, wait_until

UNAVAILABLE_LABEL = (
    "Request to assign label to version 2 of model adder, which is not currently available for inference"
)


@pytest.fixture
def models(models: Path, tmp_path: Path) -> Path:
    """A copy of the models, in which versions can be broken."""
    return Path(shutil.copytree(models, tmp_path / "models"))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "models.config"


@pytest.fixture
def server(models: Path, config: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    config.write_text(model_list(entry("adder", models / "adder", specific(1))))
    extra = (
        f"--model_config_file={config}",
        "--model_config_file_poll_wait_seconds=1",
        "--enable_model_warmup=false",
        "--allow_reload_config_request",
    )
    with ServerProcess("adder", Path("unused"), tmp_path / "log", extra=extra) as server:
        server.wait_until_ready()
        yield server


def test_changes_of_the_model_list(server: ServerProcess, models: Path, config: Path) -> None:
    _check_broken_file_changes_nothing(server, config)
    _check_label_waits_for_its_version(server, models, config)
    _check_models_are_added_and_removed(server, models, config)
    _check_rejected_reload(server, models)
    _check_reload_of_other_folders(server, models)
    _check_reload(server, models)
    _check_reload_of_a_broken_model(server, models)


def _y(server: ServerProcess, spec: ModelSpec | None = None) -> float:
    return float(arrays(predict(server, {"x": floats(0)}, spec))["y"][0])


def _states(server: ServerProcess, name: str) -> dict[int, int]:
    return {status.version: status.state for status in statuses(server, ModelSpec(name=name))}


def _check_broken_file_changes_nothing(server: ServerProcess, config: Path) -> None:
    replace(config, "model_config_list { config {")
    wait_until(lambda: "the configuration until now stays: Invalid protobuf file" in server.log(), "the warning")
    assert _y(server) == 1


def _check_label_waits_for_its_version(server: ServerProcess, models: Path, config: Path) -> None:
    replace(config, model_list(entry("adder", models / "adder", specific(1, 2), label("canary", 2))))
    wait_until(lambda: f"the configuration until now stays: {UNAVAILABLE_LABEL}" in server.log(), "the warning")
    assert _states(server, "adder") == {1: ModelVersionStatus.AVAILABLE}
    replace(config, model_list(entry("adder", models / "adder", specific(1, 2))))
    wait_until(lambda: _states(server, "adder").get(2) == ModelVersionStatus.AVAILABLE, "version 2")
    replace(config, model_list(entry("adder", models / "adder", specific(1, 2), label("canary", 2))))
    wait_until(lambda: server.http.get("/v1/models/adder/labels/canary").status_code == 200, "the label")
    assert _y(server, ModelSpec(name="adder", version_label="canary")) == 2


def _check_models_are_added_and_removed(server: ServerProcess, models: Path, config: Path) -> None:
    replace(config, model_list(entry("other", models / "adder"), entry("emotion", models / "emotion")))
    wait_until(lambda: server.http.get("/v1/models/other/versions/3").status_code == 200, "the new model")
    wait_until(lambda: set(_states(server, "adder").values()) == {ModelVersionStatus.END}, "the old model's end")
    error = predict_error(server, {"x": floats(0)})
    assert error == (grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(adder)")
    wait_until(server.is_ready, "readiness without the old model")
    assert server.http.get("/v1/models/emotion/versions/1").status_code == 200
    assert "warmup" not in server.log()
    assert _y(server, ModelSpec(name="other")) == 3


def _reload(server: ServerProcess, text: str) -> None:
    request = ReloadConfigRequest(config=message(text))
    response = ModelServiceStub(server.channel).HandleReloadConfigRequest(request, timeout=DEFAULT_TIMEOUT_S)
    assert (response.status.error_code, response.status.error_message) == (0, "")


def _reload_error(server: ServerProcess, text: str) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        _reload(server, text)
    return code_and_details(caught.value)


def _check_rejected_reload(server: ServerProcess, models: Path) -> None:
    code, details = _reload_error(server, "")
    assert (code, "ServerModelConfig type not supported" in details) == (grpc.StatusCode.INVALID_ARGUMENT, True)
    labelled = model_list(entry("adder", models / "adder", specific(2), label("stable", 2)))
    assert _reload_error(server, labelled) == (grpc.StatusCode.FAILED_PRECONDITION, UNAVAILABLE_LABEL)
    twice = model_list(entry("adder", models / "adder"), entry("adder", models / "toys"))
    assert _reload_error(server, twice)[0] is grpc.StatusCode.INVALID_ARGUMENT
    assert _y(server, ModelSpec(name="other")) == 3


def _check_reload(server: ServerProcess, models: Path) -> None:
    """The response comes once the models are loaded; the next poll of the file applies its list again."""
    _reload(server, model_list(entry("adder", models / "adder", specific(2)), entry("other", models / "adder")))
    assert _y(server) == 2


def _check_reload_of_other_folders(server: ServerProcess, models: Path) -> None:
    """A client may only name the models of the server's configuration."""
    (models / "adder" / "link").symlink_to(models / "toys")
    for base in (models / "toys", models, models / "adder" / "link", models / "adder" / ".." / "toys", Path("/")):
        code, details = _reload_error(server, model_list(entry("adder", models / "adder"), entry("other", base)))
        assert (code, "model other is outside" in details) == (grpc.StatusCode.PERMISSION_DENIED, True)
    for address in ("gs://bucket/model", "s3://bucket/model", "adder", f"{models}/adder\\0"):
        code, _ = _reload_error(server, model_list(entry("other", Path("unused"))).replace("unused", address))
        assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert _y(server, ModelSpec(name="other")) == 3


def _check_reload_of_a_broken_model(server: ServerProcess, models: Path) -> None:
    broken = models / "adder" / "broken"
    (broken / "1").mkdir(parents=True)
    (broken / "1" / "saved_model.pb").write_bytes(b"no model")
    error = _reload_error(server, model_list(entry("broken", broken), entry("other", models / "adder")))
    assert error == (grpc.StatusCode.UNKNOWN, "Some models did not become available: {broken}")
    (status,) = statuses(server, ModelSpec(name="broken"))
    assert (status.state, status.status.error_code != 0) == (ModelVersionStatus.END, True)
