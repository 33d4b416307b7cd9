"""The configuration of each override, as resolved by Compose."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from tests.e2e.stack import Stack

REMOTE = {"EMOTION_COMPOSE_REDIS_ADDRESS": "192.0.2.1", "EMOTION_COMPOSE_REDIS_PASSWORD": "Secret"}


def services(*overrides: str, **settings: str) -> dict[str, Any]:
    written = Stack("emotion-e2e-config", overrides, settings).compose("config", "--format", "json")
    read: dict[str, Any] = TypeAdapter(dict[str, Any]).validate_json(written)["services"]
    return read


def addresses(service: dict[str, Any]) -> list[str]:
    return [port["host_ip"] for port in service.get("ports", [])]


def test_only_the_gateway_is_published() -> None:
    assert {name for name, service in services().items() if addresses(service)} == {"gateway"}
    assert addresses(services()["gateway"]) == ["127.0.0.1"]
    assert addresses(services(EMOTION_COMPOSE_ADDRESS="0.0.0.0")["gateway"]) == ["0.0.0.0"]


def test_arm64_runs_our_model_server_with_the_same_command() -> None:
    serving, usual = services("compose.arm64.yml")["serving"], services()["serving"]
    assert serving["build"]["target"] == "serving"
    assert usual["image"] == "tensorflow/serving:2.20.0"
    assert "build" not in usual
    for same in ("command", "entrypoint", "healthcheck", "volumes"):
        assert serving[same] == usual[same]


def test_ops_publishes_health_on_loopback_only() -> None:
    published = {name: addresses(service) for name, service in services("compose.ops.yml").items()}
    assert published.pop("redis") == []
    assert set(published) == {"capture", "detector", "serving", "gateway"}
    assert all(bound == ["127.0.0.1"] for bound in published.values())


OVERRIDES = [(), ("compose.arm64.yml",), ("compose.ops.yml",), ("compose.webcam.yml",), ("compose.remote-camera.yml",)]


@pytest.mark.parametrize("overrides", OVERRIDES, ids=lambda files: files[0] if files else "none")
def test_every_service_keeps_its_limits(overrides: tuple[str, ...]) -> None:
    for service in services(*overrides, **REMOTE, EMOTION_COMPOSE_VIDEO_GROUP="44").values():
        assert service["memswap_limit"] == service["mem_limit"]
        assert service["pids_limit"] > 0
        assert service["ulimits"]["core"] in (0, {}, {"soft": 0, "hard": 0})  # Compose prints zero in several forms
        assert service["ulimits"]["nofile"] == {"soft": 4096, "hard": 4096}
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert all("size=" in tmpfs and "noexec,nosuid,nodev" in tmpfs for tmpfs in service["tmpfs"])


@pytest.mark.parametrize("overrides", OVERRIDES, ids=lambda files: files[0] if files else "none")
def test_networks_without_published_ports_are_internal(overrides: tuple[str, ...]) -> None:
    stack = Stack("emotion-e2e-config", overrides, {**REMOTE, "EMOTION_COMPOSE_VIDEO_GROUP": "44"})
    config = TypeAdapter(dict[str, Any]).validate_json(stack.compose("config", "--format", "json"))
    is_open = {name for name, network in config["networks"].items() if not network.get("internal")}
    on_open = {name: is_open & service["networks"].keys() for name, service in config["services"].items()}
    way_out = {name: networks for name, networks in on_open.items() if networks}
    published = {name for name, service in config["services"].items() if service.get("ports")}
    assert way_out.keys() == published | ({"capture"} & config["services"].keys())
    # Such a network has one service, so that it connects no services to each other.
    assert sum(map(len, way_out.values())) == len(set().union(*way_out.values()))


def test_webcam_passes_the_device_and_its_group() -> None:
    capture = services("compose.webcam.yml", EMOTION_COMPOSE_VIDEO_GROUP="44")["capture"]
    assert capture["devices"][0]["source"] == "/dev/video0"
    assert capture["group_add"] == ["44"]
    assert capture["environment"]["EMOTION_CAPTURE_CAMERAS"] == "cam0=/dev/video0"


def test_remote_camera_publishes_redis_with_a_password_without_capture() -> None:
    found = services("compose.remote-camera.yml", **REMOTE)
    assert "capture" not in found
    assert addresses(found["redis"]) == ["192.0.2.1"]
    assert found["redis"]["command"] == services()["redis"]["command"]
    assert not [part for part in found["redis"]["entrypoint"] + found["redis"]["command"] if "Secret" in part]
    assert found["redis"]["environment"] == {"REDISCLI_AUTH": "Secret"}
    assert found["gateway"]["environment"]["EMOTION_GATEWAY_REDIS_URL"] == "redis://:Secret@redis:6379/0"


@pytest.mark.parametrize(
    ("override", "missing"),
    [
        ("compose.webcam.yml", "EMOTION_COMPOSE_VIDEO_GROUP"),
        ("compose.remote-camera.yml", "EMOTION_COMPOSE_REDIS_ADDRESS"),
        ("compose.remote-camera.yml", "EMOTION_COMPOSE_REDIS_PASSWORD"),
    ],
)
def test_missing_variable_is_reported(override: str, missing: str) -> None:
    given = {**REMOTE, "EMOTION_COMPOSE_VIDEO_GROUP": "44"}
    del given[missing]
    with pytest.raises(AssertionError, match=f"required variable {missing} is missing a value"):
        services(override, **given)
