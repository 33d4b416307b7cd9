"""Sends cases and collects the responses."""

import asyncio
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

import grpc
from redis.exceptions import RedisError

from services.runtime.redis_client import async_redis_client
from tests.fuzz.cases import Call, Decoding, Exchange, Service, Writes, request
from tests.fuzz.decoders import fault_of
from tests.fuzz.http_response import NotHttpError, parse

MAX_WAIT_S = 20.0
"""Timeout of a response; longer than any deadline of the services."""

MAX_RECEIVED_BYTES = 8 * 1024 * 1024
_QUIET_S = 0.3
"""An exchange that isn't one complete request ends after this time without data."""

_STREAM_S = 0.3
_STREAMS = ("text/event-stream", "multipart/x-mixed-replace")
SOURCES = [f"127.0.1.{number}" for number in range(1, 201)]
"""Local addresses of the clients, so that limits per client do not apply to all together."""

PROBE_SOURCE = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"
"""Local address of the probes."""

End = Literal["closed", "answered", "quiet", "timeout", "stream", "refused"]


@dataclass(frozen=True)
class Outcome:
    """The outcome of an action.

    Attributes:
        received: All bytes received in an exchange.
        end: The reason for the end: ``closed`` by the service, or by the client for any other reason.
        seconds: Time from the first byte sent to the end.
        responses: Of writes, the bytes received for each path.
        status: A gRPC status, or a decoder's fault.
        detail: The message of a gRPC status.
    """

    received: bytes = b""
    end: End = "closed"
    seconds: float = 0.0
    responses: Mapping[str, bytes] = field(default_factory=dict)
    status: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Connection:
    """A connection that is still open after an exchange."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Sender:
    """Sends to one stack. ``open`` and ``close`` must run in the same event loop."""

    def __init__(self, ports: Mapping[Service, int], redis_url: str) -> None:
        self._ports = ports
        self._redis_url = redis_url
        self._sent = 0

    async def open(self) -> None:
        """Connect to Redis and to the model server."""
        self._redis = async_redis_client(self._redis_url, MAX_WAIT_S)
        options = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{self._ports['serving-grpc']}", options=options)

    async def close(self) -> None:
        """Close both connections."""
        await self._channel.close()
        await self._redis.aclose()

    async def exchange(self, action: Exchange, source: str | None = None) -> tuple[Outcome, Connection | None]:
        """Send the pieces; return the outcome, and the connection if the service keeps it open."""
        self._sent += 1
        started = time.monotonic()
        try:
            connection = await self._connect(action.service, source or SOURCES[self._sent % len(SOURCES)])
        except OSError:
            return Outcome(end="refused", seconds=time.monotonic() - started), None
        reading = asyncio.create_task(_receive(connection.reader, action, sent := asyncio.Event()))
        try:
            await _send(connection.writer, action)
        finally:
            sent.set()
        received, end = await reading
        outcome = Outcome(received, end, time.monotonic() - started)
        if end == "quiet":
            return outcome, connection
        await disconnect(connection)
        return outcome, None

    async def call(self, action: Call) -> Outcome:
        """Make a gRPC call."""
        started = time.monotonic()
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(action.method)
        try:
            received = await method(action.message, timeout=MAX_WAIT_S)
        except grpc.aio.AioRpcError as error:
            return Outcome(seconds=time.monotonic() - started, status=error.code().name, detail=error.details() or "")
        return Outcome(received, seconds=time.monotonic() - started, status="OK")

    async def write(self, action: Writes) -> Outcome:
        """Write to Redis, ignoring its errors, and send requests to the gateway."""
        started = time.monotonic()
        pipeline = self._redis.pipeline(transaction=False)
        for command in action.commands:
            pipeline.execute_command(*command)
        with suppress(RedisError):
            await pipeline.execute(raise_on_error=False)
        received = {}
        for path in action.paths:
            outcome, _ = await self.exchange(Exchange("gateway", (request("GET", path),), complete=True))
            received[path] = outcome.received if outcome.end != "timeout" else b""
        return Outcome(seconds=time.monotonic() - started, responses=received)

    async def delete_cameras(self, kept: bytes) -> None:
        """Delete all keys of Redis except those of one camera."""
        listing = self._redis.pipeline(transaction=False)
        listing.execute_command("KEYS", "*")
        listing.execute_command("ZRANGE", "cameras", 0, -1)
        keys, members = await listing.execute()
        deleting = self._redis.pipeline(transaction=False)
        for key in keys:
            if key != b"cameras" and not key.endswith(b":" + kept):
                deleting.execute_command("DEL", key)
        for member in members:
            if member != kept:
                deleting.execute_command("ZREM", "cameras", member)
        await deleting.execute()

    async def _connect(self, service: Service, source: str) -> Connection:
        local = (source, 0) if sys.platform == "linux" else None  # other systems have 127.0.0.1 only
        async with asyncio.timeout(MAX_WAIT_S):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self._ports[service], limit=MAX_RECEIVED_BYTES, local_addr=local
            )
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Connection(reader, writer)


def decode(action: Decoding) -> Outcome:
    """Run a decoder in the fuzzer's process."""
    started = time.monotonic()
    fault = fault_of(action)
    return Outcome(seconds=time.monotonic() - started, status=fault or "")


async def disconnect(connection: Connection) -> None:
    """Close a connection immediately."""
    connection.writer.transport.abort()
    with suppress(OSError):
        await connection.writer.wait_closed()


async def received_until_closed(connection: Connection, timeout_s: float) -> bytes | None:
    """Return the data until the service closes a connection; None if it doesn't in time."""
    received = b""
    try:
        async with asyncio.timeout(timeout_s):
            while len(received) < MAX_RECEIVED_BYTES and (data := await connection.reader.read(65536)):
                received += data
    except TimeoutError:
        return None
    except OSError:
        pass
    return received


async def _send(writer: asyncio.StreamWriter, action: Exchange) -> None:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(MAX_WAIT_S):
            for number, piece in enumerate(action.pieces):
                if number and action.pause_s:
                    await asyncio.sleep(action.pause_s)
                writer.write(piece)
                await writer.drain()


async def _receive(reader: asyncio.StreamReader, action: Exchange, sent: asyncio.Event) -> tuple[bytes, End]:
    """Read until the connection is closed, the response is complete, no more data arrives, or the time is up."""
    received, deadline = b"", time.monotonic() + MAX_WAIT_S
    wait_s = MAX_WAIT_S if action.complete else _QUIET_S
    while True:
        try:
            async with asyncio.timeout(min(wait_s, max(0.0, deadline - time.monotonic()))):
                data = await reader.read(65536)
        except TimeoutError:
            if _is_stream(received):
                return received, "stream"
            if time.monotonic() >= deadline:
                return received, "timeout" if action.complete else "quiet"
            if sent.is_set():
                return received, "quiet"
            continue
        except OSError:
            return received, "closed"
        if not data:
            return received, "closed"
        received += data
        if len(received) > MAX_RECEIVED_BYTES:
            return received, "stream"
        if _is_stream(received):
            deadline = min(deadline, time.monotonic() + _STREAM_S)
            wait_s = _STREAM_S
            if deadline <= time.monotonic():
                return received, "stream"
        elif action.complete and _is_answered(received):
            return received, "answered"


def _is_stream(received: bytes) -> bool:
    head = received.partition(b"\r\n\r\n")[0].lower()
    return any(name.encode() in head for name in _STREAMS) or head.startswith(b"http/1.1 101")


def _is_answered(received: bytes) -> bool:
    try:
        answers, _ = parse(received)
    except NotHttpError:
        return False
    return bool(answers) and answers[-1].complete
