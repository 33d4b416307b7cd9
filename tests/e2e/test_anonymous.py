"""Without keys the gateway answers only where no other machine reaches it, unless that is wanted."""

import pytest

from tests.e2e.docker import docker, inspect, logs
from tests.e2e.stack import Stack
from tests.support.waiting import wait_until

EVERYWHERE = {"EMOTION_COMPOSE_ADDRESS": "0.0.0.0"}
KEYS = {"EMOTION_GATEWAY_API_KEYS": "a-key-of-more-than-20-characters"}


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]", "192.0.2.7"])
def test_published_beyond_this_machine_it_does_not_start_without_keys(stack: Stack, address: str) -> None:
    status, said = run_to_its_end(stack, {"EMOTION_COMPOSE_ADDRESS": address})
    assert status == 2
    assert "EMOTION_GATEWAY_API_KEYS" in said
    assert "EMOTION_GATEWAY_ALLOW_ANONYMOUS" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("keys", [",", " , ", " "])
def test_keys_that_are_blank_are_a_mistake(stack: Stack, keys: str) -> None:
    status, said = run_to_its_end(stack, {"EMOTION_GATEWAY_API_KEYS": keys})
    assert status == 2
    assert "EMOTION_GATEWAY_API_KEYS" in said


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"EMOTION_GATEWAY_API_KEYS": ""},
        {**EVERYWHERE, **KEYS},
        {**EVERYWHERE, "EMOTION_GATEWAY_ALLOW_ANONYMOUS": "true"},
    ],
    ids=["by default", "keys empty", "published with keys", "published and allowed"],
)
def test_otherwise_it_starts(stack: Stack, settings: dict[str, str]) -> None:
    name = start(stack, settings)
    try:
        wait_until(lambda: "listening on" in logs(name), "the gateway to listen", 60)
        assert inspect(name)["State"]["Running"]
    finally:
        docker("rm", "--force", name)


def run_to_its_end(stack: Stack, settings: dict[str, str]) -> tuple[int, str]:
    """Start a gateway that is expected to end; return its exit status and what it said."""
    name = start(stack, settings)
    try:
        wait_until(lambda: inspect(name)["State"]["Status"] == "exited", "the gateway to end", 60)
        return int(inspect(name)["State"]["ExitCode"]), logs(name)
    finally:
        docker("rm", "--force", name)


def start(stack: Stack, settings: dict[str, str]) -> str:
    """Start one more gateway with Compose's settings, but without a published port; return its container's name."""
    name = f"{stack.project}-another-gateway"
    Stack(stack.project, settings=settings).compose("run", "--detach", "--no-deps", "--name", name, "gateway")
    return name
