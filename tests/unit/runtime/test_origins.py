"""Who is refused, as a table: what a request says of itself, and what settings allow."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from services.contracts.problems import ProblemKind
from services.runtime.metrics import HttpMetrics
from services.runtime.origins import OriginGuard, OriginPolicy, RequestOrigin, check_origin
from services.runtime.request_context import RequestContext

NOTHING = OriginPolicy()
HERE = "127.0.0.1:8000"


def kind(head: RequestOrigin, allowed: OriginPolicy = NOTHING) -> ProblemKind | None:
    problem = check_origin(head, allowed)
    return problem.kind if problem else None


def get(**says: str) -> RequestOrigin:
    return RequestOrigin("GET", "/cameras/cam0/frame.jpg", **{"host": HERE, **says})


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:8000", "LOCALHOST", "localhost."),
        *("127.0.0.1", "127.0.0.1:8000", "192.168.1.7:8000", "10.0.0.3", "[::1]", "[::1]:8000", "[fd00::7]:80"),
    ],
)
def test_addresses_and_localhost_are_always_known(host: str) -> None:
    assert kind(get(host=host)) is None


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "gateway"),
        *("localhost@evil.example", "evil.example/localhost", "localhost, evil.example", "localhost:8000:1", "a b"),
        *("[::1", "::1", "[evil]", "1.2.3", "localhost:x", ":8000"),
    ],
)
def test_other_names_are_unknown(host: str) -> None:
    assert kind(get(host=host)) is ProblemKind.UNKNOWN_HOST


def test_a_request_without_a_host_comes_from_no_browser() -> None:
    assert kind(RequestOrigin("GET", "/cameras")) is None


@pytest.mark.parametrize(
    ("hosts", "host", "known"),
    [
        ({"cam.example.org"}, "Cam.Example.org:8443", True),
        ({"cam.example.org"}, "cam.example.org.", True),
        ({"cam.example.org"}, "evil.example.org", False),
        ({"gateway"}, "gateway:8000", True),
        ({"*.example.org"}, "cam.example.org", True),
        ({"*.example.org"}, "a.b.example.org", True),
        ({"*.example.org"}, "example.org", False),
        ({"*.example.org"}, "evilexample.org", False),
        ({"*"}, "whatever.example", True),
        ({"*"}, "not a host", False),
        ({"cam.example.org"}, "*", False),
        ({"cam.example.org"}, "*.example.org", False),
    ],
)
def test_names_that_settings_know(hosts: set[str], host: str, known: bool) -> None:
    assert (kind(get(host=host), OriginPolicy(hosts=frozenset(hosts))) is None) is known


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"])
def test_health_answers_by_any_name_but_not_to_any_page(path: str) -> None:
    assert kind(RequestOrigin("GET", path, host="balancer.example")) is None
    assert (
        kind(RequestOrigin("GET", path, host=HERE, origin="https://evil.example")) is ProblemKind.CROSS_ORIGIN_FORBIDDEN
    )


def test_a_program_says_nothing_of_where_it_comes_from() -> None:
    assert kind(get()) is None


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        (HERE, "http://127.0.0.1:8000"),
        ("LOCALHOST:8000", "http://localhost:8000"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("127.0.0.1:80", "http://127.0.0.1"),
        ("192.0.2.1", "https://192.0.2.1"),  # behind a proxy that speaks TLS
        ("192.0.2.1:443", "https://192.0.2.1"),
        ("[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_our_own_pages(host: str, origin: str) -> None:
    assert kind(get(host=host, origin=origin)) is None
    assert kind(get(host=host, origin=origin, site="same-origin", mode="websocket")) is None


@pytest.mark.parametrize(
    "origin",
    [
        *("http://127.0.0.1:8001", "http://127.0.0.1", "http://localhost:8000", "https://evil.example"),
        *("null", "", "file://", "chrome-extension://abc", "http://127.0.0.1:8000/", "http://x@127.0.0.1:8000"),
        *("http://127.0.0.1:8000, http://127.0.0.1:8000", "127.0.0.1:8000", "http://127.0.0.1:8000.evil.example"),
    ],
)
@pytest.mark.parametrize("site", [None, "cross-site", "same-site"])
def test_pages_from_elsewhere(origin: str, site: str | None) -> None:
    head = RequestOrigin("GET", "/cameras", HERE, origin, site)
    assert kind(head) is ProblemKind.CROSS_ORIGIN_FORBIDDEN


def test_a_proxy_may_put_its_own_name_for_ours() -> None:
    """The browser, which knows the address that it asked, says that page and address are of one origin."""
    assert kind(get(host="10.0.0.3:8000", origin="https://cam.example.org", site="same-origin")) is None
    assert kind(get(host="10.0.0.3:8000", origin="https://cam.example.org")) is ProblemKind.CROSS_ORIGIN_FORBIDDEN


@pytest.mark.parametrize("origin", ["https://app.example", "HTTPS://App.Example", "null"])
def test_pages_that_settings_name(origin: str) -> None:
    allowed = OriginPolicy(origins=frozenset({"https://app.example", "null"}))
    assert kind(get(origin=origin, site="cross-site"), allowed) is None
    assert kind(get(origin="https://app.example:8443"), allowed) is ProblemKind.CROSS_ORIGIN_FORBIDDEN
    assert kind(get(site="cross-site", dest="image"), allowed) is ProblemKind.CROSS_ORIGIN_FORBIDDEN


def test_all_pages_may_ask_where_settings_say_so() -> None:
    everyone = OriginPolicy(origins=frozenset({"*"}))
    assert kind(get(origin="https://evil.example", site="cross-site"), everyone) is None
    assert kind(get(site="cross-site", mode="no-cors", dest="image"), everyone) is None
    assert kind(get(host="evil.example", origin="http://evil.example"), everyone) is ProblemKind.UNKNOWN_HOST


@pytest.mark.parametrize("site", ["cross-site", "same-site", "from a browser yet to come"])
@pytest.mark.parametrize(
    ("method", "mode", "dest"),
    [
        ("GET", "no-cors", "image"),
        ("GET", "no-cors", "script"),
        ("GET", "no-cors", "empty"),
        ("GET", "navigate", "iframe"),
        ("GET", "navigate", "embed"),
        ("POST", "navigate", "document"),
        ("GET", "websocket", "websocket"),
    ],
)
def test_what_a_page_may_show_without_an_origin(site: str, method: str, mode: str, dest: str) -> None:
    head = RequestOrigin(method, "/cameras/cam0/frame.jpg", HERE, None, site, mode, dest)
    assert kind(head) is ProblemKind.CROSS_ORIGIN_FORBIDDEN


@pytest.mark.parametrize(
    ("site", "mode", "dest"),
    [
        ("none", "navigate", "document"),
        ("none", "no-cors", "image"),
        ("same-origin", "cors", "empty"),
        ("same-origin", "no-cors", "image"),
        ("same-origin", "navigate", "iframe"),
        ("cross-site", "navigate", "document"),
        ("same-site", "navigate", "document"),
    ],
)
def test_typed_addresses_followed_links_and_our_own_pages(site: str, mode: str, dest: str) -> None:
    assert kind(get(site=site, mode=mode, dest=dest)) is None


def test_the_refusal_says_what_to_do_about_it() -> None:
    policy = OriginPolicy(prefix="EMOTION_GATEWAY_")
    host, page = check_origin(get(host="cam.example"), policy), check_origin(get(origin="https://app.example"), policy)
    assert host is not None
    assert page is not None
    assert "'cam.example'" in host.detail
    assert "EMOTION_GATEWAY_ALLOWED_HOSTS" in host.detail
    assert "'https://app.example'" in page.detail
    assert "EMOTION_GATEWAY_CORS_ORIGINS" in page.detail


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
        ({"Origin": "https://evil.example"}, 403, "cross-origin-forbidden"),
        ({"Origin": "null"}, 403, "cross-origin-forbidden"),
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
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "cross-origin-forbidden"}]
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
