"""The containers of the stack are started at once in random order and find each other."""

import random
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.docker import docker
from tests.e2e.stack import SERVICES, STARTED_WITHIN_S, Stack
from tests.support.waiting import wait_until


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/predict").status_code == 200
    except httpx.TransportError:  # the gateway is not listening yet
        return False


@pytest.mark.parametrize("order", range(2))
def test_stack_becomes_ready_in_any_start_order(stack: Stack, order: int) -> None:
    names = [stack.container(service) for service in SERVICES]
    docker("kill", *names)
    random.Random(order).shuffle(names)
    with ThreadPoolExecutor(len(names)) as starters:
        assert list(starters.map(lambda name: docker("start", name), names)) == names
    with stack.client() as client:
        wait_until(lambda: answers(client), "an answer", STARTED_WITHIN_S)
        assert client.get("/readyz").json()["status"] == "ready"
