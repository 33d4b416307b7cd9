"""The undocumented parts of uvicorn, httptools and websockets that the services use exist and behave as expected."""

import asyncio
import inspect
from typing import Any

import httptools
import pytest
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import Server, ServerState
from websockets.http11 import MAX_LINE_LENGTH, MAX_NUM_HEADERS
from websockets.server import ServerProtocol

from services.runtime.connections import ConnectionLimits
from services.runtime.http_messages import MAX_HANDSHAKE_LINE_BYTES

HTTP_ATTRIBUTES = (
    "parser pipeline flow cycle url headers expect_100_continue logger client transport loop app server_state"
)
HTTP_METHODS = (
    "data_received on_message_begin on_header on_headers_complete on_body on_message_complete on_response_complete "
    "handle_websocket_upgrade _should_upgrade _start_asgi_task"
)
CYCLE_ATTRIBUTES = "response_started response_complete disconnected message_event keep_alive"
WEBSOCKET_ATTRIBUTES = (
    "app logger conn queue frames handshake_initiated handshake_complete close_sent close_timeout disconnected "
    "read_paused transport loop"
)
WEBSOCKET_METHODS = (
    "handle_connect handle_text handle_bytes handle_cont handle_ping handle_pong send_receive_event_to_app "
    "handle_parser_exception send receive"
)


async def empty_app(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application."""


def loaded() -> Config:
    config = Config(empty_app, http=HttpToolsProtocol, ws=WebSocketsSansIOProtocol, log_config=None)
    config.load()
    return config


def missing(thing: object, names: str) -> list[str]:
    return [name for name in names.split() if not hasattr(thing, name)]


async def test_uvicorns_http_protocol_has_the_attributes_in_use() -> None:
    protocol = HttpToolsProtocol(loaded(), ServerState(), {}, asyncio.get_running_loop())
    protocol.on_message_begin()  # sets the attributes of a request
    assert missing(protocol, f"{HTTP_ATTRIBUTES} {HTTP_METHODS}") == []
    assert list(inspect.signature(protocol._start_asgi_task).parameters) == ["cycle", "app"]
    assert set(CYCLE_ATTRIBUTES.split()) <= assigned_in(RequestResponseCycle.__init__)


async def test_uvicorns_websocket_protocol_has_the_attributes_in_use() -> None:
    protocol = WebSocketsSansIOProtocol(loaded(), ServerState(), {}, asyncio.get_running_loop())
    assert missing(protocol, f"{WEBSOCKET_ATTRIBUTES} {WEBSOCKET_METHODS}") == []


def test_websockets_has_the_attributes_in_use() -> None:
    protocol = ServerProtocol(max_size=10)
    assert missing(protocol, "reader current_size max_message_size fail reject handshake_exc") == []
    assert missing(protocol.reader, "buffer discard") == []
    assert protocol.max_message_size == 10


def test_handshake_limits_are_within_those_of_websockets() -> None:
    assert MAX_LINE_LENGTH >= MAX_HANDSHAKE_LINE_BYTES
    assert ConnectionLimits().max_headers <= MAX_NUM_HEADERS


def test_uvicorn_ticks_often_enough_for_timeouts() -> None:
    assert "asyncio.sleep(0.1)" in inspect.getsource(Server.main_loop)


def test_parser_propagates_an_error_of_a_callback() -> None:
    error, seen = ValueError("refused"), list[bytes]()

    class Callbacks:
        def on_header(self, name: bytes, value: bytes) -> None:  # noqa: ARG002 - httptools' signature
            seen.append(name)
            raise error

    parser = httptools.HttpRequestParser(Callbacks())
    with pytest.raises(httptools.HttpParserError) as failed:
        parser.feed_data(b"GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n")
    assert failed.value.__context__ is error
    assert seen == [b"A"]


def assigned_in(function: object) -> set[str]:
    """Return the attributes that a method sets on ``self``."""
    assert inspect.isfunction(function)
    return set(function.__code__.co_names)
