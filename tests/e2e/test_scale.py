"""Two of a kind."""

from collections.abc import Iterator

import pytest

from tests.e2e.docker import docker
from tests.e2e.stack import Stack
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def scaled(stack: Stack) -> Iterator[Stack]:
    stack.up("--scale", "detector=2", "--scale", "gateway=2")
    yield stack
    stack.up()


@pytest.mark.parametrize("index", [1, 2])
def test_each_gateway_answers(scaled: Stack, index: int) -> None:
    with scaled.client(index) as client:
        wait_until(lambda: client.get("/predict").status_code == 200, "an answer", 5)
        assert client.get("/readyz").json()["status"] == "ready"


@pytest.mark.parametrize("index", [1, 2])
def test_either_detector_is_enough(scaled: Stack, index: int) -> None:
    name = scaled.container("detector", index)
    docker("kill", name)
    try:
        with scaled.client() as client:
            assert client.get("/predict").status_code in (200, 503, 504)
            wait_until(lambda: client.get("/predict").status_code == 200, "an answer of the other one", 5)
    finally:
        docker("start", name)
        scaled.wait_until_ready("detector", index)
