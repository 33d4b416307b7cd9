"""Every connection state has a time limit, and slow or malformed clients do not affect others."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.security.raw_connection import (
    SHORT_LIMITS,
    exchange,
    open_connection,
    receive_until,
    request,
    send_until_closed,
)
from tests.support.tiny_process import Service
from tests.support.waiting import wait_until

CHUNKED = "Transfer-Encoding: chunked"
MAX_HEAD_BYTES = 64 * 1024


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with short timeouts."""
    with Service(tmp_path_factory.mktemp("service") / "log", limits=json.dumps(SHORT_LIMITS)) as started:
        yield started


@pytest.fixture(scope="module")
def default_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with default timeouts."""
    with Service(tmp_path_factory.mktemp("patient") / "log") as started:
        yield started


def metric(service: Service, name: str, **labels: str) -> float:
    with service.client() as client:
        lines = client.get("/metrics").text.splitlines()
    wanted = name + ("{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}" if labels else "")
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{wanted} "))


def is_only_connection(service: Service) -> bool:
    """Return whether the connection of this request is the only one."""
    return metric(service, "http_connections") == 1


@pytest.mark.parametrize(
    ("sent", "repeated"),
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
def test_every_connection_state_times_out(service: Service, sent: bytes, repeated: bytes) -> None:
    # The longest is the timeout of a body, then that of discarding its rest.
    assert exchange(service.port, sent, repeated).seconds < 6


@pytest.mark.parametrize("path", ["/flood", "/bytes/3000000"])
@pytest.mark.parametrize("read_bytes", [0, 1])
def test_client_that_does_not_read_is_disconnected(service: Service, path: str, read_bytes: int) -> None:
    wait_until(lambda: is_only_connection(service), "earlier connections to end")
    with socket.socket() as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.settimeout(1)
        opened.connect(("127.0.0.1", service.port))
        opened.sendall(request("GET", path))

        def is_closed() -> bool:
            if read_bytes:
                opened.recv(read_bytes)
            time.sleep(0.05)
            return is_only_connection(service)

        wait_until(is_closed, "the server to close the connection", 20)


def test_slow_client_that_makes_progress_is_served(service: Service) -> None:
    with open_connection(service.port) as opened:
        for _ in range(3):  # each pause is shorter than the timeout, all together are longer
            opened.sendall(request("POST", "/raw", "Content-Length: 4"))
            for byte in (b"a", b"b", b"c", b"d"):
                time.sleep(0.2)
                opened.sendall(byte)
            assert receive_until(opened, b"\r\n\r\n4").startswith(b"HTTP/1.1 200 ")
            time.sleep(0.4)
        opened.sendall(request("GET", "/sleep/3"))  # longer than any timeout: the service is busy, not the client
        assert receive_until(opened, b"slept").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("size", [1_000, 60_000, 65_000])
def test_head_within_the_limit_is_accepted(default_service: Service, size: int) -> None:
    end = exchange(default_service.port, request("GET", "/healthz", f"X-Long: {'a' * size}", "Connection: close"))
    assert end.status == 200


def test_a_hundred_headers_are_accepted(default_service: Service) -> None:
    end = exchange(default_service.port, request("GET", "/healthz", *["X-Some: a"] * 98, "Connection: close"))
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
def test_head_over_the_limit_is_rejected_at_any_chunk_size(
    default_service: Service, sent: bytes, piece_bytes: int
) -> None:
    received = b""
    with open_connection(default_service.port) as opened:
        try:
            for start in range(0, len(sent), piece_bytes):
                opened.sendall(sent[start : start + piece_bytes])
        except (ConnectionResetError, BrokenPipeError):
            pass  # rejected before all of it was sent
        else:
            received = send_until_closed(opened, b"").received
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
def test_invalid_http_is_rejected_and_counted(default_service: Service, sent: bytes, reason: str) -> None:
    before = metric(default_service, "http_rejected_total", reason=reason)
    end = exchange(default_service.port, sent)
    assert end.problem()["status"] == 400
    assert metric(default_service, "http_rejected_total", reason=reason) == before + 1


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
def test_unusual_valid_request_is_answered(default_service: Service, sent: bytes) -> None:
    assert exchange(default_service.port, sent).status == 200


def test_body_is_never_parsed_as_a_request(service: Service) -> None:
    hidden = request("GET", "/items/7")
    with open_connection(service.port) as opened:
        opened.sendall(request("POST", "/raw", "Connection: Upgrade", "Upgrade: h2c", f"Content-Length: {len(hidden)}"))
        time.sleep(0.2)
        received = send_until_closed(opened, hidden).received
    assert received.count(b"HTTP/1.1 ") <= 1


def test_request_after_an_ignored_upgrade_is_answered(service: Service) -> None:
    upgrade = request("GET", "/items/1", "Connection: Upgrade", "Upgrade: h2c")
    received = exchange(service.port, upgrade + request("GET", "/items/2")).received
    assert received.count(b"HTTP/1.1 200 ") == 2


def test_trailers_are_not_merged_into_headers(default_service: Service) -> None:
    sent = request("POST", "/headers", CHUNKED, "Connection: close", body=b"1\r\na\r\n0\r\nX-API-Key: secret\r\n\r\n")
    assert b"x-api-key" not in exchange(default_service.port, sent).body


def test_pipelined_requests_are_limited(service: Service) -> None:
    few = exchange(service.port, b"".join(request("GET", f"/items/{number}") for number in range(10)))
    assert re.findall(rb"\r\n\r\n(\d)", few.received) == [b"%d" % number for number in range(10)]
    memory = service.resident_mb()
    many = exchange(service.port, request("GET", "/sleep/0.5") + request("GET", "/items/1") * 100_000)
    assert many.received.count(b"HTTP/1.1 200 ") < 50
    # Unread requests reset the connection, which may discard the responses.
    assert not many.received or b"connection: close" in many.received
    assert service.resident_mb() < memory + 20


def test_pipelined_head_over_the_limit_is_not_answered(service: Service) -> None:
    sent = request() * 3 + request("GET", "/healthz", f"X-Long: {'a' * 100_000}")
    assert exchange(service.port, sent).received.count(b"HTTP/1.1 200 ") <= 3


def test_requests_before_a_malformed_one_are_answered(service: Service) -> None:
    sent = request("GET", "/sleep/0.5") + request("GET", "/items/2") + b"garbage\r\n\r\n"
    received = exchange(service.port, sent).received
    assert [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", received)] == [200, 200]


def test_stream_ends_when_a_pipelining_client_disconnects(service: Service) -> None:
    before = metric(service, "http_requests_total", method="POST", route="/stream", status="200")
    with open_connection(service.port) as opened:
        opened.sendall(request("POST", "/stream", "Content-Length: 0") + request())
        receive_until(opened, b"first part")
    wait_until(
        lambda: metric(service, "http_requests_total", method="POST", route="/stream", status="200") == before + 1,
        "the stream to end",
    )


def test_many_malformed_requests_log_few_lines(tmp_path: Path) -> None:
    with Service(tmp_path / "log") as service:
        for sent in (b"garbage\r\n\r\n", request("GET", "/ws", "Host: b"), request("POST", "/json", body=b"\xff")):
            for _ in range(100):
                with open_connection(service.port) as opened:
                    opened.sendall(sent)
        wait_until(
            lambda: metric(service, "http_rejected_total", reason="malformed") >= 100, "the requests to be counted"
        )
        assert len(service.log().splitlines()) < 10


def is_healthy(service: Service) -> bool:
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
            assert is_healthy(service)
            assert kept.get("/healthz").status_code == 200
        assert service.descriptors() < 250
        assert metric(service, "http_rejected_total", reason="evicted") > 100
        assert "evicted" in service.log()


def test_connection_over_the_limit_gets_503_if_all_others_are_busy(tmp_path: Path) -> None:
    limits = json.dumps({"local_reserve": 0})
    with Service(tmp_path / "log", max_connections="3", limits=limits) as service, ExitStack() as opened:
        for _ in range(3):
            busy = opened.enter_context(open_connection(service.port))
            busy.sendall(request("GET", "/sleep/2"))
        wait_until(lambda: service.log().count("asleep") == 3, "all requests to be running")
        end = exchange(service.port, b"")
        assert (end.status, end.problem()["type"]) == (503, "urn:emotion:problem:overloaded")
        wait_until(lambda: is_healthy(service), "the other requests to be answered")


def test_process_without_free_descriptors_serves_open_connections(tmp_path: Path) -> None:
    with Service(tmp_path / "log", descriptors="256", limits=json.dumps({"idle_s": 60})) as service:
        with open_connection(service.port) as busy, service.client() as kept:
            busy.sendall(request("GET", "/sleep/3"))
            while kept.post("/descriptors/1000").status_code == 200 and service.descriptors() < 250:
                time.sleep(0.2)  # also take descriptors that were closed meanwhile
            checks = kept.get("/readyz").json()["dependencies"]
            assert checks["descriptors"] == {"ok": False, "required": False, "detail": checks["descriptors"]["detail"]}
            started = service.cpu_s()
            time.sleep(1)
            assert service.cpu_s() - started < 0.5, "accepting must not loop without a pause"
            wait_until(lambda: is_healthy(service), "an idle connection to be closed for a new one", 10)
            wait_until(lambda: b"200 OK" in busy.recv(65536), "the response on the open connection")
        assert service.log().count("no file descriptor is left") == 1
        wait_until(
            lambda: httpx.post(f"{service.url}/descriptors/0", trust_env=False).status_code == 200, "free descriptors"
        )
        assert is_healthy(service)
