"""What each override makes of the stack, as Compose itself reads it."""

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


def test_the_gateway_alone_is_published() -> None:
    assert {name for name, service in services().items() if addresses(service)} == {"gateway"}
    assert addresses(services()["gateway"]) == ["127.0.0.1"]
    assert addresses(services(EMOTION_COMPOSE_ADDRESS="0.0.0.0")["gateway"]) == ["0.0.0.0"]


def test_arm64_has_our_model_server_with_the_same_command() -> None:
    serving, usual = services("compose.arm64.yml")["serving"], services()["serving"]
    assert serving["build"]["dockerfile"] == "services/serving/Dockerfile"
    assert usual["image"] == "tensorflow/serving:2.20.0"
    assert "build" not in usual
    for same in ("command", "entrypoint", "healthcheck", "volumes"):
        assert serving[same] == usual[same]


def test_ops_publishes_health_on_loopback_only() -> None:
    published = {name: addresses(service) for name, service in services("compose.ops.yml").items()}
    assert published.pop("redis") == []
    assert set(published) == {"capture", "detector", "serving", "gateway"}
    assert all(bound == ["127.0.0.1"] for bound in published.values())


def test_webcam_hands_over_the_device_and_its_group() -> None:
    capture = services("compose.webcam.yml", EMOTION_COMPOSE_VIDEO_GROUP="44")["capture"]
    assert capture["devices"][0]["source"] == "/dev/video0"
    assert capture["group_add"] == ["44"]
    assert capture["environment"]["EMOTION_CAPTURE_CAMERAS"] == "cam0=/dev/video0"


def test_remote_camera_publishes_redis_with_a_password_and_captures_nothing() -> None:
    found = services("compose.remote-camera.yml", **REMOTE)
    assert "capture" not in found
    assert addresses(found["redis"]) == ["192.0.2.1"]
    command = found["redis"]["command"]
    assert command[command.index("--requirepass") + 1] == "Secret"
    assert "--protected-mode" not in command
    assert found["gateway"]["environment"]["EMOTION_GATEWAY_REDIS_URL"] == "redis://:Secret@redis:6379/0"


@pytest.mark.parametrize(
    ("override", "missing"),
    [
        ("compose.webcam.yml", "EMOTION_COMPOSE_VIDEO_GROUP"),
        ("compose.remote-camera.yml", "EMOTION_COMPOSE_REDIS_ADDRESS"),
        ("compose.remote-camera.yml", "EMOTION_COMPOSE_REDIS_PASSWORD"),
    ],
)
def test_what_is_required_is_asked_for(override: str, missing: str) -> None:
    given = {**REMOTE, "EMOTION_COMPOSE_VIDEO_GROUP": "44"}
    del given[missing]
    with pytest.raises(AssertionError, match=f"required variable {missing} is missing a value"):
        services(override, **given)
