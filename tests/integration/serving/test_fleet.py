"""Several models from one file, with labels, in a process with most flags."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.wrappers_pb2 import Int64Value
from tensorflow_serving.apis.model_pb2 import ModelSpec

from tests.support.model_server import (
    ServerProcess,
    arrays,
    content,
    entry,
    floats,
    label,
    model_list,
    predict,
    predict_error,
    specific,
    statuses,
)
from tests.support.waiting import wait_until

SERVING, UNKNOWN_SERVICE = b"\x08\x01", b"\x0a\x04nope"


@pytest.fixture(scope="module")
def fleet(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("fleet")
    adder = entry("adder", models / "adder", specific(1, 3), label("stable", 1), label("canary", 3))
    newest_two = entry("two", models / "adder", "model_version_policy { latest { num_versions: 2 } }")
    every = entry("all", models / "adder", "model_version_policy { all {} }")
    (folder / "models.config").write_text(model_list(adder, newest_two, every))
    (folder / "monitoring.config").write_text('prometheus_config { enable: true, path: "/own/metrics" }')
    extra = (
        f"--model_config_file={folder / 'models.config'}",
        f"--monitoring_config_file={folder / 'monitoring.config'}",
        "--allow_version_labels_for_unavailable_models=true",
        "--enable_grpc_healthcheck_service",
        "--enable_serialization_as_tensor_content=true",
        "--enable_profiler=false",
        "--enable_model_warmup=true",
        "--grpc_channel_arguments=grpc.max_receive_message_length=2000,grpc.keepalive_permit_without_calls=1",
        "--rest_api_timeout_in_ms=300",
        "--rest_api_num_threads=8",
        "--grpc_max_threads=4",
        "--tensorflow_session_parallelism=1",
    )
    with ServerProcess("adder", Path("unused"), folder / "log", extra=extra) as server:
        wait_until(lambda: server.is_ready() and server.log().count("is available") == 7, "seven versions")
        yield server


def y(server: ServerProcess, spec: ModelSpec) -> float:
    return float(arrays(predict(server, {"x": floats(0)}, spec))["y"][0])


@pytest.mark.parametrize(
    ("spec", "version"),
    [
        (ModelSpec(name="adder"), 3),
        (ModelSpec(name="adder", version=Int64Value(value=1)), 1),
        (ModelSpec(name="adder", version_label="stable"), 1),
        (ModelSpec(name="adder", version_label="canary"), 3),
        (ModelSpec(name="two", version=Int64Value(value=2)), 2),
        (ModelSpec(name="all", version=Int64Value(value=1)), 1),
        (ModelSpec(name="all"), 3),
    ],
)
def test_model_spec_over_grpc(fleet: ServerProcess, spec: ModelSpec, version: int) -> None:
    assert y(fleet, spec) == version


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("adder", 3),
        ("adder/versions/1", 1),
        ("adder/labels/stable", 1),
        ("adder/labels/canary", 3),
        ("two/versions/2", 2),
    ],
)
def test_model_spec_over_rest(fleet: ServerProcess, path: str, version: int) -> None:
    response = fleet.http.post(f"/v1/models/{path}:predict", json={"instances": [0]})
    assert response.json() == {"predictions": [version]}
    assert fleet.http.get(f"/v1/models/{path}/metadata").json()["model_spec"]["version"] == str(version)


@pytest.mark.parametrize(
    ("path", "versions"),
    [
        ("adder", ["3", "1"]),
        ("adder/labels/stable", ["1"]),
        ("adder/versions/3", ["3"]),
        ("two", ["3", "2"]),
        ("all", ["3", "2", "1"]),
    ],
)
def test_available_versions(fleet: ServerProcess, path: str, versions: list[str]) -> None:
    found = fleet.http.get(f"/v1/models/{path}").json()["model_version_status"]
    assert [(status["version"], status["state"]) for status in found] == [
        (version, "AVAILABLE") for version in versions
    ]


def test_version_is_selected_by_the_path_only(fleet: ServerProcess) -> None:
    found = fleet.http.get("/v1/models/adder?version=1&label=stable").json()["model_version_status"]
    assert len(found) == 2
    routes = fleet.http.get("/openapi.json").json()["paths"]
    parameters = routes["/v1/models/{name}/labels/{label}:predict"]["post"]["parameters"]
    assert [(parameter["name"], parameter["in"]) for parameter in parameters] == [("name", "path"), ("label", "path")]


def test_label_has_a_status_over_grpc(fleet: ServerProcess) -> None:
    (status,) = statuses(fleet, ModelSpec(name="adder", version_label="canary"))
    assert status.version == 3
    error = predict_error(fleet, {"x": floats(0)}, ModelSpec(name="two", version_label="stable"))
    assert error == (grpc.StatusCode.INVALID_ARGUMENT, "Unrecognized servable version label: stable")


def test_readiness_lists_each_model(fleet: ServerProcess) -> None:
    detail = fleet.http.get("/readyz").json()["dependencies"]["model"]["detail"]
    assert detail == "adder: version 3 is AVAILABLE; two: version 3 is AVAILABLE; all: version 3 is AVAILABLE"


def test_answers_use_tensor_content(fleet: ServerProcess) -> None:
    proto = predict(fleet, {"x": floats(1, 2)}).outputs["y"]
    assert (list(proto.float_val), np.frombuffer(proto.tensor_content, np.float32).tolist()) == ([], [4, 5])


def test_channel_arguments_are_applied(fleet: ServerProcess) -> None:
    code, details = predict_error(fleet, {"x": content(np.zeros(1000, np.float32))})
    assert (code, "larger than max" in details) == (grpc.StatusCode.RESOURCE_EXHAUSTED, True)


def test_calls_over_the_limit_are_rejected_until_others_end(fleet: ServerProcess) -> None:
    watch: Any = fleet.channel.unary_stream("/grpc.health.v1.Health/Watch")
    watches = [watch(b"", timeout=10) for _ in range(4)]
    try:
        assert [next(iter(each)) for each in watches] == [SERVING] * 4
        assert predict_error(fleet, {"x": floats(0)})[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
    finally:
        for each in watches:
            each.cancel()

    def answers() -> bool:
        try:
            predict(fleet, {"x": floats(0)})
        except grpc.RpcError:
            return False
        return True

    wait_until(answers, "a call to be answered again")


def test_slow_rest_request_is_504(fleet: ServerProcess) -> None:
    body = {"signature_name": "count", "inputs": 200_000}
    response = fleet.http.post("/v1/models/adder:predict", json=body)
    assert (response.status_code, response.json()) == (504, {"error": "Timed out after 0.3 s"})


def test_health_over_grpc(fleet: ServerProcess) -> None:
    check: Any = fleet.channel.unary_unary("/grpc.health.v1.Health/Check")
    assert check(b"", timeout=10) == SERVING
    with pytest.raises(grpc.RpcError) as caught:
        check(UNKNOWN_SERVICE, timeout=10)
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    watch = fleet.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=10)
    assert next(iter(watch)) == SERVING
    watch.cancel()


def test_metrics_have_the_names_of_tensorflow_serving(fleet: ServerProcess) -> None:
    y(fleet, ModelSpec(name="two"))
    predict_error(fleet, {}, ModelSpec(name="two"))
    predict_error(fleet, {}, ModelSpec(name="unknown"))
    fleet.http.post("/v1/models/two:predict", json={"instances": [0]})
    response = fleet.http.get("/own/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    assert "# TYPE :tensorflow:serving:request_count counter\n" in response.text
    assert ':tensorflow:serving:request_count{model_name="two",status="INVALID_ARGUMENT"} ' in response.text
    for entrypoint in ("GRPC", "REST"):
        labels = f'model_name="two",API="Predict",entrypoint="{entrypoint}"'
        assert f':tensorflow:serving:request_latency_bucket{{{labels},le="+Inf"}}' in response.text
    assert ':tensorflow:serving:runtime_latency_count{model_name="two",API="Predict",runtime="TF1"}' in response.text
    assert ':load_attempt_count{model_path="' in response.text
    assert "unknown" not in response.text
    assert fleet.http.get("/monitoring/prometheus/metrics").status_code == 404
