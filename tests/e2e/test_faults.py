"""Each service dies, freezes or is stopped while requests run; the answers stay honest and quick, and recover."""

import time

import httpx
import pytest

from tests import pictures
from tests.e2e.docker import docker, inspect
from tests.e2e.stack import Stack
from tests.e2e.traffic import Outcome, Traffic, summary
from tests.waiting import wait_until

ANSWERED_WITHIN_S = 2.0
ANSWERS_AGAIN_WITHIN_S = 5.0
NEVER_LATER_THAN_S = 4.0
"""The gateway's three deadlines together, and a little for this machine."""
BY_CHANCE = 50
"""One answer in so many may be late, or name another service that was: the machine may be busy with other things."""
LONG_ENOUGH = 25
"""Requests that are watched during a fault: two seconds and a half of them."""

WAYS = [("kill", "start"), ("pause", "unpause"), ("stop", "start")]
NAMED_AS = {"redis": "redis", "detector": "detector", "serving": "model"}
UPLOADS_NEED = ("detector", "serving")


def culprit(outcome: Outcome) -> str:
    """Return the service that a problem names."""
    kind = outcome.problem.get("type", "").removeprefix("urn:emotion:problem:")
    if kind in ("no-camera", "no-fresh-frame"):
        return "capture"
    named = outcome.problem.get("dependency")
    return next((service for service, name in NAMED_AS.items() if name == named), f"nobody: {outcome.said}")


def is_honest(outcome: Outcome, service: str) -> bool:
    if outcome.status == 200:
        return True
    if outcome.method == "POST" and service not in UPLOADS_NEED:
        return False
    # A Redis that comes back is empty: until capture's next heartbeat and frame it knows no camera.
    guilty = {service, "capture"} if service == "redis" else {service}
    return outcome.status in (503, 504) and culprit(outcome) in guilty


def all_answered(outcomes: list[Outcome]) -> bool:
    return len(outcomes) >= 10 and all(outcome.status == 200 for outcome in outcomes[-10:])


@pytest.mark.parametrize(("end", "begin"), WAYS, ids=[end for end, _ in WAYS])
@pytest.mark.parametrize("service", ["redis", "detector", "serving", "capture"])
def test_a_fault_is_named_and_passes(stack: Stack, client: httpx.Client, service: str, end: str, begin: str) -> None:
    name = stack.container(service)
    others = {other: start for other, start in stack.starts().items() if other != name}
    with Traffic(client, pictures.encode(pictures.portrait())).running() as traffic:
        traffic.wait_until_sent(all_answered, "answers before the fault", 30)
        began = time.monotonic()
        docker(end, name)
        traffic.wait_until_sent(
            lambda outcomes: sum(culprit(outcome) == service for outcome in outcomes) >= LONG_ENOUGH,
            f"problems that name {service}",
            30,
        )
        docker(begin, name)
        stack.wait_until_ready(service)
        traffic.wait_until_sent(all_answered, f"answers after {service} came back", ANSWERS_AGAIN_WITHIN_S)
    outcomes = traffic.since(began)
    broken = [o for o in outcomes if o.status not in (200, 503, 504) or o.seconds > NEVER_LATER_THAN_S]
    assert not broken, summary(broken)
    wrong = [o for o in outcomes if not is_honest(o, service) or o.seconds > ANSWERED_WITHIN_S]
    assert len(wrong) <= len(outcomes) // BY_CHANCE, summary(wrong)
    assert {other: start for other, start in stack.starts().items() if other != name} == others


def test_a_process_that_crashes_is_started_anew(stack: Stack, client: httpx.Client) -> None:
    name = stack.container("detector")
    docker("exec", name, "sh", "-c", "kill -9 -1")  # all that this user may, so not PID 1, which then ends too
    wait_until(lambda: inspect(name)["RestartCount"] == 1, "Docker to start it", 20)
    stack.wait_until_ready("detector")
    wait_until(lambda: client.get("/predict").status_code == 200, "an answer", ANSWERS_AGAIN_WITHIN_S)


def test_without_redis_uploads_are_answered_and_a_new_redis_learns_of_the_camera(
    stack: Stack, client: httpx.Client
) -> None:
    image = pictures.encode(pictures.one_face())
    docker("stop", stack.container("redis"))
    try:
        answer = client.post("/predict", content=image, headers={"Content-Type": "image/jpeg"})
        assert answer.status_code == 200
        readiness = client.get("/readyz")
        assert (readiness.status_code, readiness.json()["status"]) == (200, "degraded")
        assert client.get("/cameras").status_code == 503
    finally:
        docker("start", stack.container("redis"))
    wait_until(lambda: client.get("/cameras").status_code == 200, "Redis to answer", 5)
    wait_until(lambda: client.get("/cameras").json()["cameras"], "the camera to register anew", 5)
    wait_until(lambda: client.get("/predict").status_code == 200, "an answer of the camera", 5)


@pytest.mark.parametrize("service", ["detector", "serving"])
def test_the_gateway_is_unready_only_when_it_can_answer_nothing(
    stack: Stack, client: httpx.Client, service: str
) -> None:
    docker("pause", stack.container(service))
    try:
        readiness = client.get("/readyz")
        assert readiness.status_code == 503
        states = readiness.json()["dependencies"]
        assert [name for name, state in states.items() if not state["ok"]] == [NAMED_AS[service]]
        assert client.get("/healthz").status_code == 200
    finally:
        docker("unpause", stack.container(service))
    wait_until(lambda: client.get("/readyz").json()["status"] == "ready", "the gateway to be ready again", 5)
