"""Docker restarts a service that stops responding, but not one whose dependency is missing."""

import time

import httpx

from tests.e2e.docker import docker
from tests.e2e.faults import freeze_process
from tests.e2e.stack import SERVICES, STARTED_WITHIN_S, Stack
from tests.support.waiting import wait_until

STARTED_AGAIN_WITHIN_S = 180.0
"""About 45 s on an idle machine: three checks of 5 to 6 s each, 5 s apart, and a start."""
AWAY_S = 45.0
"""Longer than the time after which a frozen process is restarted."""


def answers(stack: Stack) -> bool:
    try:
        with stack.client() as client:
            return client.get("/predict").status_code == 200
    except httpx.TransportError:
        return False


def test_frozen_processes_are_restarted(stack: Stack) -> None:
    before = stack.restarts()
    for service in SERVICES:
        freeze_process(stack, service)

    def all_were_restarted() -> bool:
        return all(times > before[service] for service, times in stack.restarts().items())

    wait_until(all_were_restarted, "all five to be started again", STARTED_AGAIN_WITHIN_S)
    assert "health check: no answer" in stack.logs()
    for service in SERVICES:
        stack.wait_until_ready(service)
    wait_until(lambda: answers(stack), "an answer", STARTED_WITHIN_S)


def test_service_with_a_missing_dependency_is_not_restarted(stack: Stack) -> None:
    before = stack.starts()
    away = [stack.container(service) for service in ("redis", "detector", "serving")]
    docker("stop", *away)
    try:
        gone = time.monotonic()
        wait_until(lambda: time.monotonic() - gone > AWAY_S, "the others to notice", AWAY_S + 5)
        assert not stack.is_ready("gateway")
        assert not stack.is_ready("capture")
    finally:
        docker("start", *away)
    for service in SERVICES:
        stack.wait_until_ready(service)
    remaining = {name: start for name, start in stack.starts().items() if name not in away}
    assert remaining == {name: start for name, start in before.items() if name not in away}
