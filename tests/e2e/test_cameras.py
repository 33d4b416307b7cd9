"""Two cameras, of which one never opens, and a flush of Redis."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.docker import docker
from tests.e2e.stack import Stack
from tests.e2e.test_faults import MAX_RECOVERY_S, is_allowed
from tests.e2e.traffic import Traffic, summarize
from tests.support import images
from tests.support.waiting import wait_until

UNREACHABLE = "rtsp://127.0.0.1:9/unreachable"


def test_flush_of_redis_during_requests(stack: Stack, client: httpx.Client) -> None:
    with Traffic(client, images.encode(images.portrait())).running() as traffic:
        traffic.wait_until_sent(lambda sent: any(o.status == 200 and o.method == "GET" for o in sent), "an answer", 30)
        docker("exec", stack.container("redis"), "redis-cli", "flushall")
        traffic.wait_until_sent(
            lambda sent: any(o.status == 200 and o.method == "GET" for o in sent), "an answer", MAX_RECOVERY_S
        )
    wrong = [outcome for outcome in traffic.outcomes if not is_allowed(outcome, "capture")]
    assert not wrong, summarize(wrong)


@pytest.fixture(scope="module")
def two_cameras(stack: Stack) -> Iterator[httpx.Client]:
    """A client of the stack with two cameras; only capture is restarted."""
    Stack(stack.project, settings={"EMOTION_CAPTURE_CAMERAS": f"cam0=demo,door={UNREACHABLE}"}).up()
    with stack.client() as client:
        yield client
    stack.up()
    docker("exec", stack.container("redis"), "redis-cli", "flushall")  # otherwise the camera stays registered for a day
    with stack.client() as client:
        wait_until(lambda: client.get("/predict").status_code == 200, "an answer of the only camera", 20)


def test_camera_that_never_opens_does_not_affect_the_other(two_cameras: httpx.Client) -> None:
    wait_until(lambda: len(two_cameras.get("/cameras").json()["cameras"]) == 2, "both cameras to register", 20)
    wait_until(lambda: two_cameras.get("/predict?camera=cam0").status_code == 200, "an answer of the one", 20)
    for _ in range(10):
        door = two_cameras.get("/predict?camera=door")
        assert (door.status_code, door.json()["camera"]) == (503, "door")
        assert two_cameras.get("/predict?camera=cam0").status_code in (200, 503, 504)
    unnamed = two_cameras.get("/predict")
    assert (unnamed.status_code, unnamed.json()["cameras"]) == (422, ["cam0", "door"])
    states = {camera["id"]: camera["state"] for camera in two_cameras.get("/cameras").json()["cameras"]}
    assert states["cam0"] == "online"
    assert states["door"] != "online"


def test_both_cameras_register_again_after_a_flush(stack: Stack, two_cameras: httpx.Client) -> None:
    docker("exec", stack.container("redis"), "redis-cli", "flushall")

    def both_are_listed() -> bool:
        answer = two_cameras.get("/cameras")
        return answer.status_code == 200 and len(answer.json()["cameras"]) == 2

    wait_until(both_are_listed, "both cameras to register again", MAX_RECOVERY_S)
