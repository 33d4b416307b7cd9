"""The cost of a request's head is at most linear in its size, for every header."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from services.runtime.client_address import UNKNOWN, address_group
from services.runtime.origins import OriginPolicy, RequestOrigin, check_origin
from services.runtime.request_body import MAX_LENGTH, content_length
from tests.security.resource_limits import run_with_limits
from tests.support.tiny_process import Service

HEAD_BYTES = 60_000
HEADERS = (
    *("Host", "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "X-Request-ID", "Content-Length"),
    *("Content-Type", "Accept", "Cookie", "Authorization", "X-API-Key", "X-Forwarded-For", "X-Forwarded-Proto"),
    *("Forwarded", "If-None-Match", "Access-Control-Request-Method", "Access-Control-Request-Headers", "TE"),
    *("Last-Event-ID", "Range", "Expect", "Sec-WebSocket-Key", "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"),
)
FILLINGS = (".", ",", ", ", "a", "0", "9", "*.", "[", ":", "%41", "a=b;", '"', "\t ", "é")


def _max_rejection_cpu_s() -> float:
    """Return the CPU time in seconds of the most expensive rejection of a head of one megabyte."""
    policy = OriginPolicy(frozenset({"cam.example.org", "*.example.org"}), frozenset({"https://app.example.org"}))
    most = 0.0
    for filling in FILLINGS:
        long = filling * (1_000_000 // len(filling))
        for head in (
            RequestOrigin("GET", "/metrics", host=long),
            RequestOrigin("GET", "/metrics", host=f"{long}.example.org"),
            RequestOrigin("GET", "/metrics", host="localhost", origin=f"http://{long}"),
            RequestOrigin("GET", long, host="localhost", origin=long, site=long, mode=long, dest=long),
        ):
            began = time.process_time()
            assert check_origin(head, policy) is not None
            most = max(most, time.process_time() - began)
    return most


def test_origin_check_is_linear_in_the_header() -> None:
    cost = run_with_limits(_max_rejection_cpu_s, cpu_s=10, memory_mb=60)
    assert cost.result < 0.3
    assert cost.grown_mb < 40


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("cam.example.org", True),
        ("a.b.example.org:8000", True),
        ("CAM.example.org.", True),
        ("example.org", False),
        ("evil-example.org", False),
        ("example.org.evil.example", False),
        (f"{'a.' * 120}example.org", True),
        (f"{'a.' * 200}example.org", False),
    ],
)
def test_host_name_below_a_wildcard(host: str, known: bool) -> None:
    assert OriginPolicy(frozenset({"cam.example.org", "*.example.org"})).allows_host(host) is known


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(Path(tmp_path_factory.mktemp("headers"), "log"), allowed_hosts="*.example.org") as started:
        yield started


def test_long_header_causes_no_error_or_memory_growth(service: Service) -> None:
    with service.client() as client:
        client.get("/items/1")
        memory_mb, cpu_s = service.resident_mb(), service.cpu_s()
        for name in HEADERS:
            for filling in FILLINGS:
                value = (filling * (HEAD_BYTES // len(filling))).encode("latin-1")
                with service.raw() as connection:
                    host = b"" if name == "Host" else b"Host: localhost\r\n"
                    connection.send(b"GET /items/1 HTTP/1.1\r\n" + host + name.encode() + b": " + value + b"\r\n\r\n")
                    status = connection.read_until(b"\r\n").split()[1]
                assert status[:1] in b"24", (name, filling, status)
        assert client.get("/items/1").status_code == 200
    assert service.cpu_s() - cpu_s < 10
    assert service.resident_mb() - memory_mb < 30
    assert "Traceback" not in service.log()


@pytest.mark.parametrize("length", ["0" * 5000, "0" * 5000 + "7", "9" * 5000, "-1", "+1", "1e9", "0x10", "١٢"])
def test_content_length_of_any_form(length: str) -> None:
    found = content_length(Headers(raw=[(b"content-length", length.encode())]))
    assert 0 <= found <= MAX_LENGTH
    assert (found > 10**15) == (length == "9" * 5000)


@pytest.mark.parametrize("length", [b"0" * 5000, b"9" * 25])
def test_long_content_length_is_not_an_internal_error(service: Service, length: bytes) -> None:
    with service.raw() as connection:
        connection.send(b"POST /raw HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length + b"\r\n\r\n")
        assert int(connection.read_until(b"\r\n").split()[1]) in (200, 400, 413)
    assert "Traceback" not in service.log()


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no address", UNKNOWN),
        ("9" * 10_000, UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_addresses_of_one_client_are_one_group(host: str | None, group: str) -> None:
    assert address_group(host) == group
