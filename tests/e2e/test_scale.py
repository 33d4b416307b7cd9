"""Two of a kind."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests import pictures
from tests.e2e.docker import docker
from tests.e2e.stack import Stack
from tests.waiting import wait_until

COUNT_REQUESTS = (
    "import sys, urllib.request; "
    "print(urllib.request.urlopen(f'http://127.0.0.1:{sys.argv[1]}/metrics', timeout=5).read().decode())"
)


@pytest.fixture(scope="module")
def scaled(stack: Stack) -> Iterator[Stack]:
    stack.up("--scale", "detector=2", "--scale", "gateway=2")
    yield stack
    stack.up()


def images_seen(stack: Stack, index: int) -> float:
    metrics = docker("exec", stack.container("detector", index), "python", "-c", COUNT_REQUESTS, "8002")
    found = re.search(r'^http_requests_total\{[^}]*route="/detect"[^}]*\} ([\d.e+]+)$', metrics, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize("index", [1, 2])
def test_each_gateway_answers(scaled: Stack, index: int) -> None:
    with scaled.client(index) as client:
        assert client.get("/predict").status_code == 200
        assert client.get("/readyz").json()["status"] == "ready"


def test_both_detectors_work(scaled: Stack) -> None:
    image = pictures.encode(pictures.portrait())
    before = [images_seen(scaled, index) for index in (1, 2)]

    def both_worked() -> bool:
        # A client of its own each time, as other people's would be.
        for index in (1, 2):
            with scaled.client(index) as client:
                client.post("/predict", content=image, headers={"Content-Type": "image/jpeg"}).raise_for_status()
        return all(images_seen(scaled, index) > before[index - 1] for index in (1, 2))

    wait_until(both_worked, "both detectors to have seen an image", 20)


def test_one_detector_is_enough(scaled: Stack) -> None:
    name = scaled.container("detector", 2)
    docker("kill", name)
    try:
        with scaled.client() as client:
            answer: httpx.Response = client.get("/predict")
            wait_until(lambda: client.get("/predict").status_code == 200, "an answer without the second", 5)
            assert answer.status_code in (200, 503, 504)
    finally:
        docker("start", name)
        scaled.wait_until_ready("detector", 2)
