"""What whoever may write to Redis can do to the gateway: nothing, beyond the camera whose keys they write."""

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
from tests.security.gateway_harness import HONEST, JPEG, Attacked, attacked
from tests.support.waiting import wait_until

EVIL = "evil"
ROUNDS = 20
MAX_CONNECTIONS = 80
"""The gateway's to Redis, with nobody following a camera, and a few of the test's own."""

_HOSTILE_TEXT = "\x1b]52;c;YWJj\x07\u202eexe.txt\r\n\x00"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with attacked(tmp_path_factory.mktemp("attacked")) as running:
        yield running


@pytest.fixture
def it(stack: Attacked) -> Iterator[Attacked]:
    stack.register(EVIL)
    wait_until(lambda: EVIL in stack.listed(), "the evil camera to be listed")
    try:
        yield stack
    finally:
        for key in stack.writer.scan_iter(count=10_000):
            if HONEST not in key.decode("ascii", "replace"):
                stack.writer.delete(key)
        frame = f"/cameras/{HONEST}/frame.jpg"
        wait_until(lambda: stack.client.get(frame).status_code == 200, "the honest camera to register again")
        wait_until(lambda: list(stack.listed()) == [HONEST], "nothing else to be listed")


@contextmanager
def bounded(
    it: Attacked, log_bytes: int = 50_000, grown_mb: float = 80, sent_mb: float = 25, cpu_s: float = 15
) -> Iterator[None]:
    """Run an attack whose cost has limits, with the other camera served during and after it."""
    it.others_are_served()
    before = (it.log_bytes(), it.gateway.resident_mb(), it.sent_mb(), it.gateway.cpu_s())
    yield
    it.others_are_served()
    after = (it.log_bytes(), it.gateway.resident_mb(), it.sent_mb(), it.gateway.cpu_s())
    costs = dict(
        zip(("log", "resident", "sent", "cpu"), (b - a for a, b in zip(before, after, strict=True)), strict=True)
    )
    assert costs["log"] < log_bytes, costs
    assert costs["resident"] < grown_mb, costs
    assert costs["sent"] < sent_mb, costs
    assert costs["cpu"] < cpu_s, costs
    assert "Traceback" not in it.gateway.log(), it.gateway.log()[-3000:]
    assert it.connections() < MAX_CONNECTIONS


def refused(it: Attacked) -> str:
    """Make sure that the evil camera has no usable frame, however one asks; return why."""
    details = []
    for path in (f"/predict?camera={EVIL}", f"/cameras/{EVIL}/frame.jpg", f"/cameras/{EVIL}/video"):
        status, detail = it.problem(path)
        assert status == 503, (path, detail)
        details.append(detail)
    assert all(detail.isprintable() and len(detail) < 1500 for detail in details)
    return details[0]


def many_times(ask: Callable[[], object]) -> None:
    for _ in range(ROUNDS):
        ask()


@pytest.mark.parametrize("name", ["source", "last_error", "state", "fps", "other"])
@pytest.mark.parametrize("value", [b"\xff" * 5_000_000, b"a" * 5_000_000], ids=["no text", "text"])
def test_huge_status_costs_little_and_affects_its_camera_only(it: Attacked, name: str, value: bytes) -> None:
    it.writer.hset(status_key(EVIL), name, value)
    it.publish(EVIL)
    with bounded(it, sent_mb=40):  # Redis sends until it sees the connection closed, and once in five seconds
        many_times(lambda: it.client.get("/cameras"))
        many_times(lambda: it.client.get(f"/predict?camera={EVIL}"))
    assert it.client.get(f"/predict?camera={EVIL}").status_code == 200, "its frames are sound"
    assert len(it.client.get("/cameras").content) < 5_000
    listed = it.listed()[EVIL]
    assert name == "other" or listed["state"] == "failed"
    assert name == "other" or listed["last_error"]


@pytest.mark.parametrize("megabytes", [17, 60, 100])
def test_huge_frame_costs_little_and_affects_its_camera_only(it: Attacked, megabytes: int) -> None:
    it.publish(EVIL, jpeg=b"\xff\xd8" + b"x" * (megabytes * 1024 * 1024))
    with bounded(it):
        many_times(it.others_are_served)
        assert "too large" in refused(it)
        many_times(lambda: it.client.get(f"/predict?camera={EVIL}"))
        many_times(lambda: it.client.get(f"/cameras/{EVIL}/frame.jpg"))
    assert it.listed()[EVIL]["age_ms"] is not None


def test_many_fields_cost_little_and_affect_their_camera_only(it: Attacked) -> None:
    flood: Any = {f"field{number}": "x" for number in range(300_000)}
    it.writer.hset(status_key(EVIL), mapping=flood)
    it.publish(EVIL, **flood)
    with bounded(it):
        many_times(it.others_are_served)
        assert "too large" in refused(it)


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
def test_invalid_frame_is_a_problem_of_its_camera(it: Attacked, fields: dict[str, Any]) -> None:
    it.publish(EVIL, **fields)
    with bounded(it):
        for _ in range(5):
            status, detail = it.problem(f"/predict?camera={EVIL}")
            assert status == 503, detail
            assert detail.isprintable()
            assert len(detail) < 1000


def test_unknown_fields_do_not_stop_the_age_of_a_frame(it: Attacked) -> None:
    it.writer.hset(status_key(EVIL), "recorded", "1")
    it.publish(EVIL, playing="abc")
    many_times(lambda: it.client.get(f"/predict?camera={EVIL}"))
    it.publish(EVIL, jpeg=b"notajpeg", playing="abc", seq=2)
    wait_until(lambda: it.problem(f"/predict?camera={EVIL}")[0] == 503, "the old answer to age", timeout_s=20)


@pytest.mark.parametrize("ahead_ms", [60_000, 10**15])
def test_frame_from_the_future_does_not_stay_fresh(it: Attacked, ahead_ms: int) -> None:
    it.publish(EVIL, entry_id=f"{round(it.now_s() * 1000) + ahead_ms}-0")
    with bounded(it):
        assert "frame id" in refused(it) or "time to come" in refused(it)


def test_keys_of_other_types_affect_their_camera_only(it: Attacked) -> None:
    for key in (status_key(EVIL), frames_key(EVIL)):
        it.writer.delete(key)
        it.writer.set(key, b"x" * 5_000_000)
    with bounded(it):
        many_times(lambda: it.client.get("/cameras"))
        refused(it)
    assert it.listed()[EVIL]["state"] == "offline"


def test_status_texts_are_printable(it: Attacked) -> None:
    it.writer.hset(status_key(EVIL), mapping={"last_error": _HOSTILE_TEXT, "source": _HOSTILE_TEXT})
    listed = it.listed()[EVIL]
    assert listed["state"] == "online"
    assert listed["last_error"].isprintable()
    assert listed["source"].isprintable()
    assert refused(it).isprintable()


@pytest.mark.parametrize("count", [300, 700, 20_000])
@pytest.mark.parametrize("score", [None, float("inf")], ids=["now", "for ever"])
def test_many_names_cost_little_and_hide_no_camera(it: Attacked, count: int, score: float | None) -> None:
    at = it.now_s() if score is None else score
    it.writer.zadd(CAMERAS_KEY, {f"name{number}": at for number in range(count)})
    sleep(1)  # until the honest camera's next heartbeat, which comes before them
    with bounded(it):
        many_times(it.others_are_served)
        assert len(it.listed()) <= MAX_CAMERAS
        answer = it.client.get("/predict")
        assert (answer.status_code, len(answer.content) < 10_000) == (422, True)
        assert len(answer.json()["cameras"]) <= MAX_CAMERAS


@pytest.mark.parametrize("megabytes", [1, 50])
def test_a_huge_name_costs_little_and_hides_no_camera(it: Attacked, megabytes: int) -> None:
    names = {b"x" * (megabytes * 1_000_000 + number): it.now_s() for number in range(3)}
    it.writer.zadd(CAMERAS_KEY, {**names, b"\xff\xfe": it.now_s(), b"BAD name\n": it.now_s()})
    with bounded(it):
        many_times(it.others_are_served)
        assert set(it.listed()) == {EVIL, HONEST}


def test_many_requests_for_all_cameras_are_answered_at_little_cost(it: Attacked) -> None:
    large = b"\xff\xd8" + b"x" * 1_000_000
    for number in range(16):
        it.register(f"cam{number}")
        it.publish(f"cam{number}", jpeg=large)
    with bounded(it), ThreadPoolExecutor(64) as pool:
        answers = list(
            pool.map(lambda _: httpx.get(f"{it.client.base_url}/cameras", timeout=20).status_code, range(256))
        )
    assert answers == [200] * 256


def test_many_requests_for_frames_of_many_cameras_are_fair(it: Attacked) -> None:
    large = b"\xff\xd8" + b"x" * 1_000_000
    cameras = [f"cam{number}" for number in range(4 * MAX_CONCURRENT_READS)]
    for camera in cameras:
        it.register(camera)
        it.publish(camera, jpeg=large)
    with bounded(it, sent_mb=500), ThreadPoolExecutor(64) as pool:
        asked = pool.map(lambda camera: httpx.get(f"{it.client.base_url}/predict?camera={camera}", timeout=20), cameras)
        assert {answer.status_code for answer in asked} <= {200, 429, 503}  # they are one client


def test_clients_that_take_no_frame_hold_few(it: Attacked) -> None:
    large = b"\xff\xd8" + b"x" * 5_000_000
    it.publish(EVIL, jpeg=large)
    port = it.client.base_url.port
    request = f"GET /cameras/{EVIL}/frame.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    before = it.gateway.resident_mb()
    with ExitStack() as opened:
        for number in range(4 * MAX_FRAMES_SENT):
            if number % 8 == 0:
                it.publish(EVIL, jpeg=large)
            slow = opened.enter_context(socket.create_connection(("127.0.0.1", port)))
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.sendall(request)
        wait_until(lambda: it.client.get(f"/cameras/{EVIL}/frame.jpg").status_code == 503, "all places to be taken")
        assert it.gateway.resident_mb() - before < 120
        assert it.client.get(f"/predict?camera={HONEST}").status_code == 200
        assert HONEST in it.listed()
    wait_until(lambda: it.client.get(f"/cameras/{HONEST}/frame.jpg").content == JPEG, "places to be free again")


@pytest.mark.parametrize(
    "fields",
    [{"jpeg": b"x" * 60_000_000}, {"jpeg": b"notajpeg"}, {"seq": "x" * 1_000_000}],
    ids=["huge", "no picture", "no number"],
)
def test_subscriber_of_a_camera_with_invalid_data_costs_little(it: Attacked, fields: dict[str, Any]) -> None:
    it.publish(EVIL)
    until = monotonic() + 4
    told: list[str] = []

    def follow() -> None:
        with httpx.stream("GET", f"{it.client.base_url}/cameras/{EVIL}/events", timeout=20) as feed:
            for line in feed.iter_lines():
                told.append(line)
                if monotonic() > until:
                    return

    follower = threading.Thread(target=follow, daemon=True)
    with bounded(it, sent_mb=60, cpu_s=6):
        follower.start()
        while not any("event: result" in line for line in told):
            it.publish(EVIL)
            sleep(0.1)
        it.publish(EVIL, **fields)
        while monotonic() < until:
            it.others_are_served()
            sleep(0.2)
    assert any('"no-fresh-frame"' in line or "no-fresh-frame" in line for line in told)
    assert all(len(line) < 3000 for line in told)
    it.publish(EVIL)
    follower.join(30)
