"""An attacker with write access to Redis can only affect the cameras whose keys they write."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from services.contracts.cameras import CAMERAS_KEY, MAX_CAMERAS, status_key
from services.contracts.frames import frames_key
from services.gateway.adapters.redis_store import MAX_CONCURRENT_READS
from services.gateway.dependencies import MAX_FRAMES_SENT
from tests.security.gateway_harness import GOOD, JPEG, GatewayHarness, gateway_harness
from tests.support.waiting import wait_until

EVIL = "evil"
ROUNDS = 20
MAX_CONNECTIONS = 80
"""Connections of the gateway to Redis without live sessions, and those of the test."""

_HOSTILE_TEXT = "\x1b]52;c;YWJj\x07\u202eexe.txt\r\n\x00"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayHarness]:
    with gateway_harness(tmp_path_factory.mktemp("attacked")) as running:
        yield running


@pytest.fixture
def gateway(stack: GatewayHarness) -> Iterator[GatewayHarness]:
    stack.register(EVIL)
    wait_until(lambda: EVIL in stack.fetch_cameras(), "the evil camera to be listed")
    try:
        yield stack
    finally:
        for key in stack.writer.scan_iter(count=10_000):
            if GOOD not in key.decode("ascii", "replace"):
                stack.writer.delete(key)
        frame = f"/cameras/{GOOD}/frame.jpg"
        wait_until(lambda: stack.client.get(frame).status_code == 200, "the good camera to register again")
        wait_until(lambda: list(stack.fetch_cameras()) == [GOOD], "the other cameras to disappear")


@contextmanager
def bounded_cost(
    gateway: GatewayHarness, log_bytes: int = 50_000, grown_mb: float = 80, sent_mb: float = 25, cpu_s: float = 15
) -> Iterator[None]:
    """Assert that the attack in this block stays within these costs, and that the good camera is served."""
    gateway.assert_good_camera_is_served()
    before = (gateway.log_bytes(), gateway.process.resident_mb(), gateway.sent_mb(), gateway.process.cpu_s())
    yield
    gateway.assert_good_camera_is_served()
    after = (gateway.log_bytes(), gateway.process.resident_mb(), gateway.sent_mb(), gateway.process.cpu_s())
    costs = dict(
        zip(("log", "resident", "sent", "cpu"), (b - a for a, b in zip(before, after, strict=True)), strict=True)
    )
    assert costs["log"] < log_bytes, costs
    assert costs["resident"] < grown_mb, costs
    assert costs["sent"] < sent_mb, costs
    assert costs["cpu"] < cpu_s, costs
    assert "Traceback" not in gateway.process.log(), gateway.process.log()[-3000:]
    assert gateway.redis_connections() < MAX_CONNECTIONS


def assert_no_frame(gateway: GatewayHarness) -> str:
    """Assert that no route returns a frame of the evil camera; return the error."""
    details = []
    for path in (
        f"/predict?camera={EVIL}",
        f"/cameras/{EVIL}/frame.jpg",
        f"/cameras/{EVIL}/video",
    ):
        status, detail = gateway.problem(path)
        assert status == 503, (path, detail)
        details.append(detail)
    assert all(detail.isprintable() and len(detail) < 1500 for detail in details)
    return details[0]


def many_times(call: Callable[[], object]) -> None:
    for _ in range(ROUNDS):
        call()


@pytest.mark.parametrize("name", ["source", "last_error", "state", "fps", "other"])
@pytest.mark.parametrize("value", [b"\xff" * 5_000_000, b"a" * 5_000_000], ids=["not UTF-8", "UTF-8"])
def test_huge_status_affects_only_its_camera(gateway: GatewayHarness, name: str, value: bytes) -> None:
    gateway.writer.hset(status_key(EVIL), name, value)
    gateway.publish(EVIL)
    with bounded_cost(gateway, sent_mb=40):  # Redis notices a closed connection late
        many_times(lambda: gateway.client.get("/cameras"))
        many_times(lambda: gateway.client.get(f"/predict?camera={EVIL}"))
    assert gateway.client.get(f"/predict?camera={EVIL}").status_code == 200, "its frames are valid"
    assert len(gateway.client.get("/cameras").content) < 5_000
    fetch_cameras = gateway.fetch_cameras()[EVIL]
    assert name == "other" or fetch_cameras["state"] == "failed"
    assert name == "other" or fetch_cameras["last_error"]


@pytest.mark.parametrize("megabytes", [17, 60, 100])
def test_huge_frame_affects_only_its_camera(gateway: GatewayHarness, megabytes: int) -> None:
    gateway.publish(EVIL, jpeg=b"\xff\xd8" + b"x" * (megabytes * 1024 * 1024))
    with bounded_cost(gateway):
        many_times(gateway.assert_good_camera_is_served)
        assert "too large" in assert_no_frame(gateway)
        many_times(lambda: gateway.client.get(f"/predict?camera={EVIL}"))
        many_times(lambda: gateway.client.get(f"/cameras/{EVIL}/frame.jpg"))
    assert gateway.fetch_cameras()[EVIL]["age_ms"] is not None


def test_many_fields_affect_only_their_camera(gateway: GatewayHarness) -> None:
    flood: Any = {f"field{number}": "x" for number in range(300_000)}
    gateway.writer.hset(status_key(EVIL), mapping=flood)
    gateway.publish(EVIL, **flood)
    with bounded_cost(gateway):
        many_times(gateway.assert_good_camera_is_served)
        assert "too large" in assert_no_frame(gateway)


@pytest.mark.parametrize(
    "fields",
    [
        {"seq": -1},
        {"seq": 2**63},
        {"seq": "1_0"},
        {"seq": "9" * 5000},
        {"width": 65_536},
        {"width": " 64"},
        {"height": "\u0664\u0668"},
        {"delay_us": -1},
        {"delay_us": 10**30},
        {"captured_at": "nan"},
        {"captured_at": b"\xff" * 1_000_000},
        {"seq": _HOSTILE_TEXT * 10_000},
        {"jpeg": None},
        {"jpeg": b"notajpeg"},
    ],
    ids=lambda fields: str(fields)[:30],
)
def test_invalid_frame_is_an_error_of_its_camera(gateway: GatewayHarness, fields: dict[str, Any]) -> None:
    gateway.publish(EVIL, **fields)
    with bounded_cost(gateway):
        for _ in range(5):
            status, detail = gateway.problem(f"/predict?camera={EVIL}")
            assert status == 503, detail
            assert detail.isprintable()
            assert len(detail) < 1000


def test_unknown_fields_do_not_keep_an_old_frame_fresh(gateway: GatewayHarness) -> None:
    gateway.writer.hset(status_key(EVIL), "recorded", "1")
    gateway.publish(EVIL, playing="abc")
    many_times(lambda: gateway.client.get(f"/predict?camera={EVIL}"))
    gateway.publish(EVIL, jpeg=b"notajpeg", playing="abc", seq=2)
    wait_until(lambda: gateway.problem(f"/predict?camera={EVIL}")[0] == 503, "the old frame to expire", timeout_s=20)


@pytest.mark.parametrize("ahead_ms", [60_000, 10**15])
def test_frame_with_a_future_id_is_rejected(gateway: GatewayHarness, ahead_ms: int) -> None:
    gateway.publish(EVIL, entry_id=f"{round(gateway.now_s() * 1000) + ahead_ms}-0")
    with bounded_cost(gateway):
        assert "frame id" in assert_no_frame(gateway) or "in the future" in assert_no_frame(gateway)


def test_keys_of_another_type_affect_only_their_camera(gateway: GatewayHarness) -> None:
    for key in (status_key(EVIL), frames_key(EVIL)):
        gateway.writer.delete(key)
        gateway.writer.set(key, b"x" * 5_000_000)
    with bounded_cost(gateway):
        many_times(lambda: gateway.client.get("/cameras"))
        assert_no_frame(gateway)
    assert gateway.fetch_cameras()[EVIL]["state"] == "offline"


def test_status_texts_are_printable(gateway: GatewayHarness) -> None:
    gateway.writer.hset(status_key(EVIL), mapping={"last_error": _HOSTILE_TEXT, "source": _HOSTILE_TEXT})
    fetch_cameras = gateway.fetch_cameras()[EVIL]
    assert fetch_cameras["state"] == "online"
    assert fetch_cameras["last_error"].isprintable()
    assert fetch_cameras["source"].isprintable()
    assert assert_no_frame(gateway).isprintable()


@pytest.mark.parametrize("count", [300, 700, 20_000])
@pytest.mark.parametrize("score", [None, float("inf")], ids=["now", "never expires"])
def test_many_names_do_not_hide_a_camera(gateway: GatewayHarness, count: int, score: float | None) -> None:
    at = gateway.now_s() if score is None else score
    gateway.writer.zadd(CAMERAS_KEY, {f"name{number}": at for number in range(count)})
    sleep(1)  # until the next heartbeat of the good camera
    with bounded_cost(gateway):
        many_times(gateway.assert_good_camera_is_served)
        assert len(gateway.fetch_cameras()) <= MAX_CAMERAS
        answer = gateway.client.get("/predict")
        assert (answer.status_code, len(answer.content) < 10_000) == (422, True)
        assert len(answer.json()["cameras"]) <= MAX_CAMERAS


@pytest.mark.parametrize("megabytes", [1, 50])
def test_huge_name_does_not_hide_a_camera(gateway: GatewayHarness, megabytes: int) -> None:
    names = {b"x" * (megabytes * 1_000_000 + number): gateway.now_s() for number in range(3)}
    gateway.writer.zadd(CAMERAS_KEY, {**names, b"\xff\xfe": gateway.now_s(), b"BAD name\n": gateway.now_s()})
    with bounded_cost(gateway):
        many_times(gateway.assert_good_camera_is_served)
        assert set(gateway.fetch_cameras()) == {EVIL, GOOD}


def test_many_concurrent_camera_lists_are_answered(gateway: GatewayHarness) -> None:
    large = b"\xff\xd8" + b"x" * 1_000_000
    for number in range(16):
        gateway.register(f"cam{number}")
        gateway.publish(f"cam{number}", jpeg=large)
    with bounded_cost(gateway), ThreadPoolExecutor(64) as pool:
        answers = list(
            pool.map(lambda _: httpx.get(f"{gateway.client.base_url}/cameras", timeout=20).status_code, range(256))
        )
    assert answers == [200] * 256


def test_concurrent_frame_reads_are_limited(gateway: GatewayHarness) -> None:
    large = b"\xff\xd8" + b"x" * 1_000_000
    cameras = [f"cam{number}" for number in range(4 * MAX_CONCURRENT_READS)]
    for camera in cameras:
        gateway.register(camera)
        gateway.publish(camera, jpeg=large)
    with bounded_cost(gateway, sent_mb=500), ThreadPoolExecutor(64) as pool:
        responses = pool.map(
            lambda camera: httpx.get(f"{gateway.client.base_url}/predict?camera={camera}", timeout=20), cameras
        )
        assert {response.status_code for response in responses} <= {200, 429, 503}  # all requests come from one client


def test_clients_that_do_not_read_hold_few_frames(gateway: GatewayHarness) -> None:
    large = b"\xff\xd8" + b"x" * 5_000_000
    gateway.publish(EVIL, jpeg=large)
    port = gateway.client.base_url.port
    request = f"GET /cameras/{EVIL}/frame.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    before = gateway.process.resident_mb()
    with ExitStack() as opened:
        for number in range(4 * MAX_FRAMES_SENT):
            if number % 8 == 0:
                gateway.publish(EVIL, jpeg=large)
            slow = opened.enter_context(socket.create_connection(("127.0.0.1", port)))
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.sendall(request)
        wait_until(
            lambda: gateway.client.get(f"/cameras/{EVIL}/frame.jpg").status_code == 503,
            "the limit to be reached",
        )
        assert gateway.process.resident_mb() - before < 120
        assert gateway.client.get(f"/predict?camera={GOOD}").status_code == 200
        assert GOOD in gateway.fetch_cameras()
    wait_until(lambda: gateway.client.get(f"/cameras/{GOOD}/frame.jpg").content == JPEG, "the limit to be free again")


@pytest.mark.parametrize(
    "fields",
    [{"jpeg": b"x" * 60_000_000}, {"jpeg": b"notajpeg"}, {"seq": "x" * 1_000_000}],
    ids=["huge", "not an image", "not a number"],
)
def test_live_session_of_a_camera_with_invalid_frames_is_cheap(gateway: GatewayHarness, fields: dict[str, Any]) -> None:
    gateway.publish(EVIL)
    until = monotonic() + 4
    lines: list[str] = []

    def follow() -> None:
        with httpx.stream("GET", f"{gateway.client.base_url}/cameras/{EVIL}/events", timeout=20) as feed:
            for line in feed.iter_lines():
                lines.append(line)
                if monotonic() > until:
                    return

    follower = threading.Thread(target=follow, daemon=True)
    with bounded_cost(gateway, sent_mb=60, cpu_s=6):
        follower.start()
        while not any("event: result" in line for line in lines):
            gateway.publish(EVIL)
            sleep(0.1)
        gateway.publish(EVIL, **fields)
        while monotonic() < until:
            gateway.assert_good_camera_is_served()
            sleep(0.2)
    assert any('"no-fresh-frame"' in line or "no-fresh-frame" in line for line in lines)
    assert all(len(line) < 3000 for line in lines)
    gateway.publish(EVIL)
    follower.join(30)
