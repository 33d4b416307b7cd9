"""A gateway finishes the requests in flight when it is stopped."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx

from services.contracts.problems import ProblemKind
from tests.e2e.docker import docker, inspect
from tests.e2e.stack import Stack
from tests.support import images
from tests.support.waiting import wait_until

REQUESTS = 4


def test_requests_in_flight_are_answered(stack: Stack, client: httpx.Client) -> None:
    name = stack.container("gateway")
    image = images.encode(images.eight_faces())

    def upload() -> str:
        answer = client.post("/predict", content=image, headers={"Content-Type": "image/jpeg"})
        return "faces" if answer.status_code == 200 else str(answer.json()["type"])

    def in_flight() -> float:
        found = re.search(r"^gateway_in_flight ([\d.]+)$", client.get("/metrics").text, re.MULTILINE)
        assert found is not None
        return float(found[1])

    docker("pause", stack.container("detector"))
    try:
        with ThreadPoolExecutor(REQUESTS) as senders:
            answers = [senders.submit(upload) for _ in range(REQUESTS)]
            wait_until(lambda: in_flight() == REQUESTS, "all requests to be in flight", 5)
            docker("kill", "--signal", "TERM", name)
            docker("unpause", stack.container("detector"))
            # If the engine stops it late, the deadline of the request has passed.
            too_late = {ProblemKind.DEPENDENCY_TIMEOUT.type, ProblemKind.OVERLOADED.type}
            assert {answer.result() for answer in answers} <= {"faces", *too_late}
        wait_until(lambda: not inspect(name)["State"]["Running"], "the gateway to end", 20)
        assert inspect(name)["State"]["ExitCode"] == 0
    finally:
        if inspect(stack.container("detector"))["State"]["Paused"]:
            docker("unpause", stack.container("detector"))
        wait_until(lambda: not inspect(name)["State"]["Running"], "the gateway to end", 20)
        docker("start", name)
        stack.wait_until_ready("gateway")


def test_all_services_stop_in_time_without_a_kill(stack: Stack) -> None:
    try:
        stack.compose("stop")
        codes = {name: inspect(name)["State"]["ExitCode"] for name in stack.starts()}
    finally:
        stack.up()
    killed = 137
    assert killed not in codes.values(), codes
