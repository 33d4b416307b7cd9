import asyncio

import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from services.contracts.problems import ServiceError
from services.runtime.request_body import BodyLimit

SCOPE: Scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}


async def read_body(parts: list[bytes], pause_s: float, grace_s: float) -> bytes:
    """Return what an application reads behind the limit when parts come with pauses between them."""
    coming = iter(parts)
    read = b""

    async def receive() -> Message:
        await asyncio.sleep(pause_s)
        body = next(coming)
        return {"type": "http.request", "body": body, "more_body": body is not parts[-1]}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's signature
        nonlocal read
        read = await Request(scope, receive).body()

    async def send(_: Message) -> None:
        raise AssertionError("nothing is answered here")

    await BodyLimit(app, limit_bytes=10**6, grace_s=grace_s)(SCOPE, receive, send)
    return read


async def test_a_body_that_trickles_is_given_up() -> None:
    with pytest.raises(ServiceError, match="bytes came in") as given_up:
        await read_body([b"a", b"b", b"c", b"d", b"e", b"f"], pause_s=0.1, grace_s=0.25)
    assert given_up.value.problem.kind.status == 408


async def test_a_large_body_may_take_longer_than_a_small_one() -> None:
    parts = [bytes([n]) * 30_000 for n in range(6)]
    assert len(await read_body(parts, pause_s=0.1, grace_s=0.25)) == 180_000


async def test_what_came_fast_before_is_no_credit() -> None:
    with pytest.raises(ServiceError) as given_up:
        await read_body([bytes(500_000), *(bytes([n]) for n in range(20))], pause_s=0.1, grace_s=0.25)
    assert given_up.value.problem.kind.status == 408
