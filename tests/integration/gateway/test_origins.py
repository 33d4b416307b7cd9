"""Pages from elsewhere, over real sockets: their requests and handshakes written by hand, as a browser would."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from launcher.ports import free_port
from tests.support.processes import ModuleProcess
from tests.support.waiting import DEFAULT_TIMEOUT_S

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port, log = free_port(), Path(tmp_path_factory.mktemp("gateway"), "log")
    settings = {
        "EMOTION_GATEWAY_PORT": str(port),
        "EMOTION_GATEWAY_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "EMOTION_GATEWAY_ALLOWED_HOSTS": "cam.example.org",
        "EMOTION_GATEWAY_CORS_ORIGINS": "https://app.example.org",
    }
    with ModuleProcess("services.gateway", log, settings) as gateway:
        gateway.wait_until_answers(f"http://127.0.0.1:{port}/healthz")
        yield port


def ask(port: int, path: str, headers: dict[str, str], method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Send a request and return status, headers by lower-case name, and as much of the body as was announced."""
    head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": f"127.0.0.1:{port}", **headers}.items())
    with socket.create_connection(("127.0.0.1", port), DEFAULT_TIMEOUT_S) as opened:
        opened.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode())
        with opened.makefile("rb") as answer:
            status = int(answer.readline().split()[1])
            lines = iter(lambda: answer.readline().decode().strip(), "")
            found = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            return status, found, answer.read(int(found.get("content-length", 0)))


def slug(answer: tuple[int, dict[str, str], bytes]) -> str:
    status, headers, body = answer
    problem: dict[str, Any] = json.loads(body)
    assert headers["content-type"] == "application/problem+json"
    assert (problem["status"], problem["request_id"]) == (status, headers["x-request-id"])
    return str(problem["type"].rpartition(":")[2])


@pytest.mark.parametrize("extra", [{}, HANDSHAKE], ids=["HTTP", "WebSocket"])
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Origin": "https://evil.example"}, "cross-origin-forbidden"),
        ({"Origin": "http://127.0.0.1:1"}, "cross-origin-forbidden"),
        ({"Origin": "null"}, "cross-origin-forbidden"),
        (
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
            "cross-origin-forbidden",
        ),
        ({"Host": "evil.example"}, "unknown-host"),
        ({"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, "unknown-host"),
    ],
)
@pytest.mark.parametrize("path", ["/cameras", "/predict", "/cameras/cam0/frame.jpg", "/ws/cameras/cam0", "/nowhere"])
def test_cross_origin_pages_get_nothing(
    port: int, path: str, headers: dict[str, str], expected: str, extra: dict[str, str]
) -> None:
    answer = ask(port, path, {**headers, **extra})
    assert slug(answer) == expected
    assert answer[0] == {"cross-origin-forbidden": 403, "unknown-host": 421}[expected]
    assert answer[1]["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("extra", "expected"),
    [({}, "dependency-unavailable"), (HANDSHAKE, "not-found")],
    ids=["HTTP", "WebSocket"],
)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost"},
        {"Host": "cam.example.org", "Origin": "https://cam.example.org"},
        {"Origin": "https://app.example.org", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
)
def test_programs_own_pages_and_allowed_origins_are_accepted(
    port: int, headers: dict[str, str], extra: dict[str, str], expected: str
) -> None:
    """To where Redis is missed, which doesn't run here, or where no WebSocket is."""
    assert slug(ask(port, "/cameras", {**headers, **extra})) == expected


def test_our_own_origin_with_the_port(port: int) -> None:
    assert slug(ask(port, "/cameras", {"Origin": f"http://127.0.0.1:{port}"})) == "dependency-unavailable"


@pytest.mark.parametrize(("origin", "status"), [("https://evil.example", 403), ("https://app.example.org", 200)])
def test_preflights(port: int, origin: str, status: int) -> None:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Private-Network": "true",
    }
    answer = ask(port, "/predict", headers, "OPTIONS")
    assert answer[0] == status
    assert ("access-control-allow-origin" in answer[1]) is (status == 200)


def test_health_accepts_any_host_name(port: int) -> None:
    assert ask(port, "/healthz", {"Host": "balancer.example"})[0] == 200
