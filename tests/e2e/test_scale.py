"""Two replicas of a service."""

import re
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.docker import docker, inspect
from tests.e2e.faults import FAULTS, Fault
from tests.e2e.stack import Stack
from tests.e2e.test_faults import is_machine_busy
from tests.e2e.traffic import Outcome, Traffic, summarize
from tests.support import images
from tests.support.waiting import wait_until

MAX_DISCOVERY_S = 45.0
"""The model server closes connections after 30 s; only then does a gateway resolve its name again."""
FAULT_S = 6.0
FAILOVER_S = 2.0
BUSY_TOLERANCE = 10
"""One upload in so many may time out on a busy machine; without a second detector, all would fail."""
BOTH = (1, 2)


@pytest.fixture(scope="module")
def scaled(stack: Stack) -> Iterator[Stack]:
    stack.up("--scale", "detector=2", "--scale", "serving=2", "--scale", "gateway=2")
    yield stack
    stack.up()


@pytest.fixture
def scaled_client(scaled: Stack) -> Iterator[httpx.Client]:
    with scaled.client() as client:
        yield client


def metric(stack: Stack, service: str, index: int, path: str, pattern: str) -> float:
    """Return the sum of a container's matching metrics, read from a gateway because the port isn't published."""
    networks = inspect(stack.container(service, index))["NetworkSettings"]["Networks"]
    (host,) = (network["IPAddress"] for network in networks.values())
    code = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"
    metrics = docker("exec", stack.container("gateway"), "python", "-c", code, f"http://{host}{path}")
    return sum(float(value) for value in re.findall(rf"^{pattern} (\S+)$", metrics, re.MULTILINE))


def images_searched(stack: Stack, index: int) -> float:
    return metric(stack, "detector", index, ":8002/metrics", r"detector_searches_total\{.*\}")


def faces_inferred(stack: Stack, index: int) -> float:
    pattern = r":tensorflow:serving:request_count\{.*\}"
    return metric(stack, "serving", index, ":8501/monitoring/prometheus/metrics", pattern)


def answered(outcomes: list[Outcome]) -> int:
    return sum(outcome.status == 200 for outcome in outcomes)


@pytest.mark.parametrize("index", BOTH)
def test_each_gateway_responds(scaled: Stack, index: int) -> None:
    with scaled.client(index) as client:
        wait_until(lambda: client.get("/predict").status_code == 200, "an answer", 5)
        assert client.get("/readyz").json()["status"] == "ready"


def test_two_detectors_share_the_load(scaled: Stack, scaled_client: httpx.Client) -> None:
    before = [images_searched(scaled, index) for index in BOTH]
    with Traffic(scaled_client, images.encode(images.portrait())).running() as traffic:
        traffic.wait_until_sent(lambda sent: answered(sent) >= 60, "answers", 60)
    shares = [images_searched(scaled, index) - count for index, count in zip(BOTH, before, strict=True)]
    assert min(shares) >= 0.3 * sum(shares), shares


def test_two_model_servers_share_the_load(scaled: Stack, scaled_client: httpx.Client) -> None:
    before = [faces_inferred(scaled, index) for index in BOTH]
    with Traffic(scaled_client, images.encode(images.portrait())).running() as traffic:

        def both_were_used() -> bool:
            return all(faces_inferred(scaled, index) >= count + 10 for index, count in zip(BOTH, before, strict=True))

        wait_until(both_were_used, f"both model servers to be used; {before}", MAX_DISCOVERY_S)
    assert all(outcome.status in (200, 503, 504) for outcome in traffic.outcomes), summarize(traffic.outcomes)


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_one_of_two_detectors_is_sufficient(scaled: Stack, scaled_client: httpx.Client, fault: Fault) -> None:
    """Requests in flight may fail; later requests go to the other detector."""
    image = images.encode(images.portrait())
    with Traffic(scaled_client, image, interval_s=0.2, upload_every=1).running() as traffic:
        traffic.wait_until_sent(lambda sent: answered(sent[-10:]) == 10, "answers", 60)
        fault.begin(scaled, "detector")
        started = time.monotonic()
        try:
            wait_until(lambda: time.monotonic() - started > FAULT_S, "the fault to last")
        finally:
            fault.end(scaled, "detector")
    scaled.wait_until_ready("detector")
    later = [o for o in traffic.since(started + FAILOVER_S) if o.sent_at < started + FAULT_S]
    allowed = {"overloaded", "dependency-timeout"} if is_machine_busy() else {"overloaded"}
    failed = [outcome for outcome in later if outcome.status != 200 and outcome.kind not in allowed]
    assert len(failed) <= len(later) // BUSY_TOLERANCE, summarize(later)
    assert answered(later) > 0, summarize(later)
