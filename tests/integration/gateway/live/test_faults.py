"""What viewers hear while a service or the camera is gone or frozen; results come back by themselves."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from time import monotonic, time
from typing import Any

import httpx
import redis

from launcher.ports import free_ports
from services.contracts.cameras import CAMERAS_KEY, CameraState, CameraStatus, status_key
from services.contracts.frames import MAX_STREAM_FRAMES, FrameMessage, frames_key
from services.gateway.settings import GatewaySettings
from services.runtime.redis_client import redis_client
from tests.support import images
from tests.support.live_feed import Event, events
from tests.support.processes import ModuleProcess
from tests.support.redis_server import RedisServer
from tests.support.stack import MODELS, Stack, another_gateway
from tests.support.waiting import DEFAULT_TIMEOUT_S

PATIENT = {"EMOTION_GATEWAY_REDIS_TIMEOUT_S": "2", "EMOTION_GATEWAY_LIVE_TIMEOUT_S": "3"}
"""Longer than anything takes that works, on a busy machine too: what is blamed is what was broken."""

TOLD_S = 1.0
"""Viewers hear of what is wrong within this time."""

ROUNDS = 5
"""How often a failure is tried at most: a machine that is busy with other work can make an answer late, never early."""

STATUS = CameraStatus(CameraState.ONLINE, "test", 20.0, 1280, 720, 100, 0, 0, "")


@contextmanager
def camera(url: str) -> Iterator[threading.Event]:
    """Publish a face twenty times a second, through whatever happens to Redis, while the event yielded is set."""
    jpeg = images.encode(images.one_face())
    stop, published, films = threading.Event(), threading.Event(), threading.Event()
    films.set()

    def publish() -> None:
        client = redis_client(url, timeout_s=1)
        seq = 0
        while not stop.wait(0.05):
            if not films.is_set():
                continue
            seq += 1
            message = FrameMessage(jpeg, round(time() * 1e6), 1000, 1280, 720, seq)
            try:
                client.zadd(CAMERAS_KEY, {"cam0": time()})
                client.hset(status_key("cam0"), mapping=dict(STATUS.encode().items()))
                client.xadd(
                    frames_key("cam0"), dict(message.encode().items()), maxlen=MAX_STREAM_FRAMES, approximate=False
                )
            except redis.RedisError:
                continue
            published.set()
        client.close()

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        assert published.wait(DEFAULT_TIMEOUT_S)
        yield films
    finally:
        stop.set()
        thread.join()


def until_result(feed: Iterator[Event]) -> Event:
    return next(event for event in feed if event.event == "result" and event.data["faces"])


def problem_of(event: Event) -> dict[str, Any]:
    """Return the problem that a status tells of, empty where there is none."""
    return dict(event.data["problem"] or {}) if event.event == "status" else {}


def until_problem(feed: Iterator[Event], slug: str) -> Event:
    """Return the status that tells of a problem; others may come before on a busy machine."""
    return next(event for event in feed if problem_of(event).get("type") == f"urn:emotion:problem:{slug}")


def until_blamed(feed: Iterator[Event], dependency: str) -> None:
    """Read until a dependency is blamed; no other may be."""
    problem = next(problem for problem in map(problem_of, feed) if problem)
    assert (problem["dependency"], problem["status"]) in ((dependency, 503), (dependency, 504)), problem


def until_well(feed: Iterator[Event]) -> None:
    """Read until all is well and a face is seen again."""
    next(event for event in feed if event.event == "status" and event.data["state"] == "ok")
    until_result(feed)


@contextmanager
def frozen(process: ModuleProcess | RedisServer) -> Iterator[None]:
    """Let a process do nothing, its connections open, while the block runs."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@contextmanager
def stalled(films: threading.Event) -> Iterator[None]:
    """Let a camera bring no frame while the block runs."""
    films.clear()
    try:
        yield
    finally:
        films.set()


def sessions(client: httpx.Client) -> float:
    lines = client.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("gateway_live_sessions "))


def test_viewers_stay_connected_and_are_notified_until_recovery(
    stack: Stack, redis_server: RedisServer, tmp_path: Path
) -> None:
    settings = {"EMOTION_GATEWAY_REDIS_URL": redis_server.url}
    with another_gateway(stack, tmp_path, settings) as (_, client):
        with camera(redis_server.url), events(client) as feed:
            until_result(feed)
            redis_server.stop()
            assert until_problem(feed, "dependency-unavailable").data["problem"]["dependency"] == "redis"
            redis_server.start()
            until_well(feed)  # a frame that was read before may still be answered after the status
        with events(client) as feed:
            until_problem(feed, "no-fresh-frame")
            with camera(redis_server.url):
                until_result(feed)


def test_frozen_dependencies_are_named_and_results_resume(
    stack: Stack, redis_server: RedisServer, tmp_path: Path
) -> None:
    settings = {"EMOTION_GATEWAY_REDIS_URL": redis_server.url, **PATIENT}
    with (
        another_gateway(stack, tmp_path, settings) as (gateway, client),
        camera(redis_server.url),
        events(client) as feed,
    ):
        until_result(feed)
        for name, process in (("model", stack.serving), ("detector", stack.detector), ("redis", redis_server)):
            with frozen(process):
                until_blamed(feed, name)
            until_well(feed)
        assert sessions(client) == 1
    assert "Traceback" not in gateway.log()


def told_after_s(feed: Iterator[Event], failure: AbstractContextManager[None]) -> float:
    """Return how long viewers waited to hear of a failure; return when all is well again."""
    with failure:
        began = monotonic()
        next(problem for problem in map(problem_of, feed) if problem)
        waited_s = monotonic() - began
    until_well(feed)
    return waited_s


def test_viewers_are_notified_of_a_failure_within_a_second(
    stack: Stack, redis_server: RedisServer, tmp_path: Path
) -> None:
    shipped = str(GatewaySettings.model_fields["live_timeout_s"].default)
    settings = {"EMOTION_GATEWAY_REDIS_URL": redis_server.url, "EMOTION_GATEWAY_LIVE_TIMEOUT_S": shipped}
    with another_gateway(stack, tmp_path, settings) as (_, client), camera(redis_server.url) as cam0:
        failures: dict[str, Callable[[], AbstractContextManager[None]]] = {
            "camera": lambda: stalled(cam0),
            "model": lambda: frozen(stack.serving),
            "detector": lambda: frozen(stack.detector),
            "redis": lambda: frozen(redis_server),
        }
        with events(client) as feed:
            until_result(feed)
            for name, failure in failures.items():
                waited_s = [told_after_s(feed, failure())]
                while waited_s[-1] > TOLD_S and len(waited_s) < ROUNDS:
                    waited_s.append(told_after_s(feed, failure()))
                assert waited_s[-1] <= TOLD_S, f"{name}: {waited_s}"


def test_killed_detector_and_model_are_named_and_results_resume_after_a_restart(
    stack: Stack, redis_server: RedisServer, tmp_path: Path
) -> None:
    detector_port, grpc_port, rest_port = free_ports(3)
    model = [
        f"--port={grpc_port}",
        f"--rest_api_port={rest_port}",
        "--model_name=emotion",
        f"--model_base_path={MODELS}",
    ]

    def detector() -> ModuleProcess:
        return ModuleProcess(
            "services.detector", tmp_path / "detector.log", {"EMOTION_DETECTOR_PORT": str(detector_port)}
        )

    def serving() -> ModuleProcess:
        return ModuleProcess("services.serving", tmp_path / "serving.log", {}, model)

    settings = {
        "EMOTION_GATEWAY_REDIS_URL": redis_server.url,
        "EMOTION_GATEWAY_DETECTOR_URL": f"http://127.0.0.1:{detector_port}",
        "EMOTION_GATEWAY_SERVING_TARGET": f"127.0.0.1:{grpc_port}",
        **PATIENT,
    }
    with ExitStack() as running:
        first = [running.enter_context(start()) for start in (detector, serving)]
        gateway, client = running.enter_context(another_gateway(stack, tmp_path, settings))
        running.enter_context(camera(redis_server.url))
        feed = running.enter_context(events(client))
        until_result(feed)
        for name, process, start in zip(("detector", "model"), first, (detector, serving), strict=True):
            process.kill()
            until_blamed(feed, name)
            running.enter_context(start())
            until_well(feed)
        assert sessions(client) == 1
        assert "Traceback" not in gateway.log()
