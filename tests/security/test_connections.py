"""Every state of a connection ends, whatever the client sends or leaves out, and others are served meanwhile."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.security.raw_connection import SHORT_LIMITS, connected, ending, received_with, request, until_closed
from tests.support.tiny_process import Service
from tests.support.waiting import wait_until

CHUNKED = "Transfer-Encoding: chunked"
MAX_HEAD_BYTES = 64 * 1024


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose deadlines are short."""
    with Service(tmp_path_factory.mktemp("service") / "log", limits=json.dumps(SHORT_LIMITS)) as started:
        yield started


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service as users run it."""
    with Service(tmp_path_factory.mktemp("patient") / "log") as started:
        yield started


def metric(service: Service, name: str, **labels: str) -> float:
    with service.client() as client:
        lines = client.get("/metrics").text.splitlines()
    wanted = name + ("{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}" if labels else "")
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{wanted} "))


def is_alone(service: Service) -> bool:
    """Tell whether no connection is open but the one that asks."""
    return metric(service, "http_connections") == 1


@pytest.mark.parametrize(
    ("sent", "dribbled"),
    [
        (b"", b""),
        (b"", b"\r\n"),
        (b"GET / HTTP/1.1\r\n", b""),
        (b"GET / HTTP/1.1\r\nX-Long: ", b"a"),
        (b"GET /", b"a"),
        (request(), b""),
        (request(), b"\r\n"),
        (request() + b"GET / HTTP/1.1\r\nX-Long: ", b"a"),
        (request("GET", "/healthz", "Content-Length: 100000"), b"a"),
        (request("GET", "/healthz", CHUNKED), b"1\r\na\r\n"),
        (request("POST", "/nothing-here", "Content-Length: 100000"), b"a"),
        (request("POST", "/raw", "Content-Length: 1000000"), b"a"),
        (request("POST", "/raw", "Content-Length: 10000"), b""),
        (request("POST", "/raw", "Content-Length: 10000"), b"a"),
        (request("POST", "/raw", CHUNKED), b"0"),
        (request("POST", "/raw", CHUNKED, body=b"1;x="), b"x"),
        (request("POST", "/raw", CHUNKED), b"1\r\na\r\n"),
        (request("POST", "/raw", CHUNKED, body=b"0\r\nX-Trailer: "), b"x"),
        (request("POST", "/raw", "Content-Length: 1000", "Expect: 100-continue"), b""),
        (request("POST", "/stream", "Content-Length: 1000"), b"a"),
        (request("GET", "/healthz", "Connection: close", "Content-Length: 1000"), b"a"),
        (request("GET", "/sleep/60") + b"GET / HTTP/1.1\r\n", b""),
        (request("GET", "/healthz", "Connection: Upgrade", "Upgrade: h2c"), b"\r\n"),
    ],
)
def test_every_state_of_a_connection_ends(service: Service, sent: bytes, dribbled: bytes) -> None:
    # The longest is a body's time and then that of its rest.
    assert ending(service.port, sent, dribbled).seconds < 6


@pytest.mark.parametrize("path", ["/flood", "/bytes/3000000"])
@pytest.mark.parametrize("read_bytes", [0, 1])
def test_slow_reader_is_disconnected(service: Service, path: str, read_bytes: int) -> None:
    wait_until(lambda: is_alone(service), "earlier connections to end")
    with socket.socket() as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.settimeout(1)
        opened.connect(("127.0.0.1", service.port))
        opened.sendall(request("GET", path))

        def is_ended() -> bool:
            if read_bytes:
                opened.recv(read_bytes)
            time.sleep(0.05)
            return is_alone(service)

        wait_until(is_ended, "the server to give the client up", 20)


def test_slow_clients_that_make_progress_are_served(service: Service) -> None:
    with connected(service.port) as opened:
        for _ in range(3):  # each shorter than a deadline, all together longer
            opened.sendall(request("POST", "/raw", "Content-Length: 4"))
            for byte in (b"a", b"b", b"c", b"d"):
                time.sleep(0.2)
                opened.sendall(byte)
            assert received_with(opened, b"\r\n\r\n4").startswith(b"HTTP/1.1 200 ")
            time.sleep(0.4)
        opened.sendall(request("GET", "/sleep/3"))  # longer than any deadline: it is the service that takes its time
        assert received_with(opened, b"slept").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("size", [1_000, 60_000, 65_000])
def test_a_head_up_to_the_limit_is_read(patient: Service, size: int) -> None:
    end = ending(patient.port, request("GET", "/healthz", f"X-Long: {'a' * size}", "Connection: close"))
    assert end.status == 200


def test_a_hundred_headers_are_read(patient: Service) -> None:
    end = ending(patient.port, request("GET", "/healthz", *["X-Some: a"] * 98, "Connection: close"))
    assert end.status == 200


@pytest.mark.parametrize(
    "sent",
    [
        request("GET", "/healthz", f"X-Long: {'a' * 66_000}"),
        request("GET", "/healthz", f"X-Long: {'a' * 190_000}"),
        request("GET", "/healthz", f"X-Padded: {' ' * 190_000}a"),
        request("GET", "/healthz", *[f"X-{number}: {'a' * 1000}" for number in range(80)]),
        request("GET", "/healthz", *["X-Some: a"] * 100),
        request("GET", "/healthz", *["X-Some: a"] * 20_000),
        request("GET", f"/{'a' * 70_000}"),
        request("GET", f"/healthz?{'a' * 70_000}"),
        request("POST", "/raw", CHUNKED, body=b"0\r\nX-Trailer: " + b"a" * 100_000 + b"\r\n\r\n"),
        request("POST", "/raw", CHUNKED, body=b"1;x=" + b"a" * 100_000 + b"\r\na\r\n0\r\n\r\n"),
        b"\r\n" * 50_000 + request(),
    ],
    ids=range(11),
)
@pytest.mark.parametrize("piece_bytes", [1_000_000, 1_000])
def test_a_head_over_the_limit_is_refused_in_one_piece_as_in_many(
    patient: Service, sent: bytes, piece_bytes: int
) -> None:
    received = b""
    with connected(patient.port) as opened:
        try:
            for start in range(0, len(sent), piece_bytes):
                opened.sendall(sent[start : start + piece_bytes])
        except (ConnectionResetError, BrokenPipeError):
            pass  # it was refused before all of it was sent
        else:
            received = until_closed(opened, b"").received
    assert b"HTTP/1.1 400 " in received or not received


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"GET /healthz HTTP/1.1\r\n\r\n", "host"),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "host"),
        (b"GET /healthz\r\n\r\n", "version"),
        (b"GET /healthz HTTP/0.9\r\nHost: a\r\n\r\n", "version"),
        (b"GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n", "version"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "malformed"),
        (b"GET http://b/healthz HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
        (b"GET http://a:81/healthz HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
        (b"GET http://u@a/healthz HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
        (b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
        (b"GET ftp://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
        (b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
        (b"POST /raw HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "transfer-encoding"),
        (request("POST", "/raw", "Connection: Upgrade", "Upgrade: h2c", "Content-Length: 1", body=b"a"), "upgrade"),
        (request("POST", "/raw", "Connection: Upgrade", "Upgrade: h2c", CHUNKED, body=b"0\r\n\r\n"), "upgrade"),
        (b"garbage\r\n\r\n", "malformed"),
    ],
)
def test_malformed_http_is_rejected_and_counted(patient: Service, sent: bytes, reason: str) -> None:
    before = metric(patient, "http_rejected_total", reason=reason)
    end = ending(patient.port, sent)
    assert end.problem()["status"] == 400
    assert metric(patient, "http_rejected_total", reason=reason) == before + 1


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /healthz HTTP/1.0\r\n\r\n",
        b"GET http://a/healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET HTTP://A:80/healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"\r\n\r\n" + request("GET", "/healthz", "Connection: close"),
        request("GET", "/healthz", "Connection: Upgrade, close", "Upgrade: h2c"),
    ],
)
def test_unusual_requests_that_keep_the_rules_are_answered(patient: Service, sent: bytes) -> None:
    assert ending(patient.port, sent).status == 200


def test_a_body_is_never_taken_for_another_request(service: Service) -> None:
    hidden = request("GET", "/items/7")
    with connected(service.port) as opened:
        opened.sendall(request("POST", "/raw", "Connection: Upgrade", "Upgrade: h2c", f"Content-Length: {len(hidden)}"))
        time.sleep(0.2)
        received = until_closed(opened, hidden).received
    assert received.count(b"HTTP/1.1 ") <= 1


def test_requests_after_an_ignored_upgrade_are_answered(service: Service) -> None:
    upgrade = request("GET", "/items/1", "Connection: Upgrade", "Upgrade: h2c")
    received = ending(service.port, upgrade + request("GET", "/items/2")).received
    assert received.count(b"HTTP/1.1 200 ") == 2


def test_trailers_do_not_become_headers(patient: Service) -> None:
    sent = request("POST", "/headers", CHUNKED, "Connection: close", body=b"1\r\na\r\n0\r\nX-API-Key: secret\r\n\r\n")
    assert b"x-api-key" not in ending(patient.port, sent).body


def test_pipelined_requests_are_answered_up_to_a_number(service: Service) -> None:
    few = ending(service.port, b"".join(request("GET", f"/items/{number}") for number in range(10)))
    assert re.findall(rb"\r\n\r\n(\d)", few.received) == [b"%d" % number for number in range(10)]
    memory = service.resident_mb()
    many = ending(service.port, request("GET", "/sleep/0.5") + request("GET", "/items/1") * 100_000)
    assert many.received.count(b"HTTP/1.1 200 ") < 50
    # The close may come with a reset, since requests are left unread, and take what was sent along.
    assert not many.received or b"connection: close" in many.received
    assert service.resident_mb() < memory + 20


def test_a_head_over_the_limit_behind_other_requests_is_not_answered(service: Service) -> None:
    sent = request() * 3 + request("GET", "/healthz", f"X-Long: {'a' * 100_000}")
    assert ending(service.port, sent).received.count(b"HTTP/1.1 200 ") <= 3


def test_malformed_request_does_not_affect_earlier_responses(service: Service) -> None:
    sent = request("GET", "/sleep/0.5") + request("GET", "/items/2") + b"garbage\r\n\r\n"
    received = ending(service.port, sent).received
    assert [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", received)] == [200, 200]


def test_stream_ends_when_a_client_with_a_pipelined_request_disconnects(service: Service) -> None:
    before = metric(service, "http_requests_total", method="POST", route="/stream", status="200")
    with connected(service.port) as opened:
        opened.sendall(request("POST", "/stream", "Content-Length: 0") + request())
        received_with(opened, b"first part")
    wait_until(
        lambda: metric(service, "http_requests_total", method="POST", route="/stream", status="200") == before + 1,
        "the stream to end",
    )


def test_a_flood_of_malformed_requests_fills_no_log(tmp_path: Path) -> None:
    with Service(tmp_path / "log") as service:
        for sent in (b"garbage\r\n\r\n", request("GET", "/ws", "Host: b"), request("POST", "/json", body=b"\xff")):
            for _ in range(100):
                with connected(service.port) as opened:
                    opened.sendall(sent)
        wait_until(lambda: metric(service, "http_rejected_total", reason="malformed") >= 100, "them to be counted")
        assert len(service.log().splitlines()) < 10


def is_alive(service: Service) -> bool:
    try:
        return httpx.get(f"{service.url}/healthz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_hundreds_of_slow_connections_do_not_block_others(tmp_path: Path) -> None:
    with Service(tmp_path / "log", descriptors="256") as service, ExitStack() as opened:
        kept = opened.enter_context(service.client())
        assert kept.get("/healthz").status_code == 200
        for number in range(500):
            slow = opened.enter_context(socket.create_connection(("127.0.0.1", service.port), 5))
            slow.sendall([b"", b"GET / HTTP/1.1\r\n", b"\r\n"][number % 3])
        for _ in range(5):
            assert is_alive(service)
            assert kept.get("/healthz").status_code == 200
        assert service.descriptors() < 250
        assert metric(service, "http_rejected_total", reason="evicted") > 100
        assert "evicted" in service.log()


def test_connections_over_the_limit_get_503_where_none_of_the_others_only_waits(tmp_path: Path) -> None:
    limits = json.dumps({"local_reserve": 0})
    with Service(tmp_path / "log", max_connections="3", limits=limits) as service, ExitStack() as opened:
        for _ in range(3):
            busy = opened.enter_context(connected(service.port))
            busy.sendall(request("GET", "/sleep/2"))
        wait_until(lambda: service.log().count("asleep") == 3, "all to be worked on")
        end = ending(service.port, b"")
        assert (end.status, end.problem()["type"]) == (503, "urn:emotion:problem:overloaded")
        wait_until(lambda: is_alive(service), "the others to be answered")


def test_a_process_without_descriptors_serves_the_connections_it_has_and_recovers(tmp_path: Path) -> None:
    with Service(tmp_path / "log", descriptors="256", limits=json.dumps({"idle_s": 60})) as service:
        with connected(service.port) as busy, service.client() as kept:
            busy.sendall(request("GET", "/sleep/3"))
            while kept.post("/descriptors/1000").status_code == 200 and service.descriptors() < 250:
                time.sleep(0.2)  # what others have closed meanwhile can be taken too
            checks = kept.get("/readyz").json()["dependencies"]
            assert checks["descriptors"] == {"ok": False, "required": False, "detail": checks["descriptors"]["detail"]}
            started = service.cpu_s()
            time.sleep(1)
            assert service.cpu_s() - started < 0.5, "it must not try to accept without pause"
            assert is_alive(service), "an idle connection is closed for a new one"
            wait_until(lambda: b"200 OK" in busy.recv(65536), "the answer of the connection that it had")
        assert service.log().count("no file descriptor is left") == 1
        wait_until(lambda: httpx.post(f"{service.url}/descriptors/0", trust_env=False).status_code == 200, "its end")
        assert is_alive(service)
