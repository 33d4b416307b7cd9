"""Without API keys the gateway starts only if no other machine can reach it, or if that is explicitly allowed."""

import pytest

from tests.e2e.docker import docker, inspect, logs
from tests.e2e.stack import Stack
from tests.support.waiting import wait_until

EVERYWHERE = {"EMOTION_COMPOSE_ADDRESS": "0.0.0.0"}
KEYS = {"EMOTION_GATEWAY_API_KEYS": "a-key-of-more-than-20-characters"}


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]", "192.0.2.7"])
def test_public_gateway_without_keys_does_not_start(stack: Stack, address: str) -> None:
    status, output = run_until_exit(stack, {"EMOTION_COMPOSE_ADDRESS": address})
    assert status == 2
    assert "EMOTION_GATEWAY_API_KEYS" in output
    assert "EMOTION_GATEWAY_ALLOW_ANONYMOUS" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("keys", [",", " , ", " "])
def test_blank_keys_are_an_error(stack: Stack, keys: str) -> None:
    status, output = run_until_exit(stack, {"EMOTION_GATEWAY_API_KEYS": keys})
    assert status == 2
    assert "EMOTION_GATEWAY_API_KEYS" in output


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
def test_gateway_starts_with_keys_or_on_loopback(stack: Stack, settings: dict[str, str]) -> None:
    name = start(stack, settings)
    try:
        wait_until(lambda: "listening on" in logs(name), "the gateway to listen", 60)
        assert inspect(name)["State"]["Running"]
    finally:
        docker("rm", "--force", name)


def run_until_exit(stack: Stack, settings: dict[str, str]) -> tuple[int, str]:
    """Run a gateway that is expected to exit; return its exit status and its output."""
    name = start(stack, settings)
    try:
        wait_until(lambda: inspect(name)["State"]["Status"] == "exited", "the gateway to end", 60)
        return int(inspect(name)["State"]["ExitCode"]), logs(name)
    finally:
        docker("rm", "--force", name)


def start(stack: Stack, settings: dict[str, str]) -> str:
    """Start another gateway with Compose's settings but without a published port; return its container's name."""
    name = f"{stack.project}-another-gateway"
    Stack(stack.project, settings=settings).compose("run", "--detach", "--no-deps", "--name", name, "gateway")
    return name
