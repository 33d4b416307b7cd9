import asyncio
import re
from typing import Any

import httpx
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.runtime.metrics import HttpMetrics, create_registry
from services.runtime.request_context import RequestContext

NEW_ID = re.compile("[0-9a-f]{32}")


class Connection:
    """One request by hand: what arrives is given, what is sent is kept, and the one count can be read."""

    def __init__(self, app: ASGIApp, arriving: list[Message]) -> None:
        self.registry = create_registry()
        self._app = RequestContext(app, HttpMetrics(self.registry))
        self._arriving = arriving
        self.sent: list[Message] = []

    async def run(self) -> None:
        scope: Scope = {"type": "http", "method": "POST", "path": "/x", "headers": []}
        await self._app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        return self._arriving.pop(0)

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    def counted(self, status: int) -> float | None:
        labels = {"method": "POST", "route": "unmatched", "status": str(status)}
        return self.registry.get_sample_value("http_requests_total", labels)


@pytest.mark.parametrize("given", ["a", "5f3a-b.c_D", "x" * 64])
async def test_a_plain_id_is_kept(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/healthz", headers={"X-Request-ID": given})
    assert answer.headers.get_list("x-request-id") == [given]


@pytest.mark.parametrize("given", ["", "a b", "a\tb", "é", "<script>", "x" * 65, "a,b"])
async def test_any_other_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/healthz", headers={b"X-Request-ID": given.encode()})
    assert NEW_ID.fullmatch(answer.headers["x-request-id"])


async def test_ids_differ(client: httpx.AsyncClient) -> None:
    ids = {(await client.get("/healthz")).headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


async def test_a_client_that_leaves_in_its_upload_is_499_and_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive, send).body()

    connection = Connection(
        app, [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}]
    )
    await connection.run()
    assert connection.counted(499) == 1
    assert connection.sent == []
    assert caplog.records == []


async def test_what_is_answered_to_a_client_that_left_is_499() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await Request(scope, receive, send).body()
        except ClientDisconnect:
            await send({"type": "http.response.start", "status": 422, "headers": []})

    connection = Connection(app, [{"type": "http.disconnect"}])
    await connection.run()
    assert connection.counted(499) == 1
    assert connection.counted(422) is None


async def test_a_client_that_leaves_after_its_answer_began_has_its_status() -> None:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()

    connection = Connection(app, [{"type": "http.disconnect"}])
    await connection.run()
    assert connection.counted(200) == 1


async def test_a_request_cut_off_before_its_answer_is_503() -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise asyncio.CancelledError

    connection = Connection(app, [])
    await connection.run()
    assert connection.sent[0]["status"] == 503
    assert dict(connection.sent[0]["headers"])[b"retry-after"] == b"1"
    assert b"urn:emotion:problem:stopping" in connection.sent[1]["body"]
    assert connection.counted(503) == 1


async def test_a_request_cut_off_in_its_answer_stays_cut_off() -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise asyncio.CancelledError

    connection = Connection(app, [])
    await connection.run()
    assert len(connection.sent) == 1
    assert connection.counted(200) == 1


async def test_other_connections_pass_untouched() -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope, receive, send))

    async def receive() -> Message:
        return {}

    async def send(_message: Message) -> None: ...

    scope: Scope = {"type": "lifespan"}
    await RequestContext(app, HttpMetrics(create_registry()))(scope, receive, send)
    assert seen == [(scope, receive, send)]
