"""The guard in front of an application that takes every WebSocket."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from services.runtime.metrics import HttpMetrics
from services.runtime.origins import OriginGuard, OriginPolicy
from services.runtime.request_context import RequestContext


class Echo:
    """Takes every WebSocket and greets it."""

    def __init__(self) -> None:
        self.scopes: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope["type"])
        if scope["type"] == "websocket":
            socket = WebSocket(scope, receive, send)
            await socket.accept()
            await socket.send_text("hello")
            await socket.close()


def guarded(app: Echo) -> RequestContext:
    registry = CollectorRegistry()
    guard = OriginGuard(app, OriginPolicy(hosts=frozenset({"testserver"})), registry)
    return RequestContext(guard, HttpMetrics(registry))


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://testserver"}])
def test_a_program_and_our_own_page_get_through(headers: dict[str, str]) -> None:
    app = Echo()
    with TestClient(guarded(app)).websocket_connect("/ws", headers=headers) as socket:
        assert socket.receive_text() == "hello"
    assert app.scopes == ["websocket"]


@pytest.mark.parametrize(
    ("headers", "status", "slug"),
    [
        ({"Origin": "https://evil.example"}, 403, "foreign-origin"),
        ({"Origin": "null"}, 403, "foreign-origin"),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 421, "unknown-host"),
    ],
)
def test_a_handshake_from_elsewhere_is_refused_with_a_problem(headers: dict[str, str], status: int, slug: str) -> None:
    app = Echo()
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        TestClient(guarded(app)).websocket_connect("/ws", headers=headers),
    ):
        pytest.fail("it was accepted")
    answer = refused.value
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:emotion:problem:{slug}")
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert app.scopes == []


async def test_a_server_that_cannot_send_a_problem_closes() -> None:
    app, sent = Echo(), list[Message]()
    scope: dict[str, Any] = {
        "type": "websocket",
        "path": "/ws",
        "headers": [(b"host", b"127.0.0.1"), (b"origin", b"https://evil.example")],
    }

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await guarded(app)(scope, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "foreign-origin"}]
    assert app.scopes == []


async def test_what_is_no_request_passes() -> None:
    app = Echo()

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        pytest.fail(f"nobody answers, but {message} was sent")

    await guarded(app)({"type": "lifespan"}, receive, send)
    assert app.scopes == ["lifespan"]


def test_a_header_that_stands_twice_matches_nothing() -> None:
    client = TestClient(guarded(Echo()), base_url="http://127.0.0.1")
    twice = [("Origin", "http://127.0.0.1"), ("Origin", "http://127.0.0.1")]
    assert client.get("/", headers=twice).status_code == 403
