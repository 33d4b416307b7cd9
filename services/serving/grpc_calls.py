"""From a call on the wire to its answer: receives within limits, reads, and turns errors into statuses."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError

from services.serving.byte_budget import ByteBudget
from services.serving.errors import InvalidArgumentError, ResourceExhaustedError, ServingError
from services.serving.wire_limits import check_wire_size

MAX_CALLS = 256
"""Calls in flight; more are refused."""

MAX_STREAMS = 16
"""Of these, calls whose answer goes on and on."""

MAX_RECEIVING = 16
"""Messages received at the same time; more calls wait for a place."""

RECEIVE_TIMEOUT_S = 10.0
"""How long a call may take to deliver its message."""

STALLED_S = 0.5
"""How long it may take while other calls wait for its place."""

MAX_NON_ASCII_DETAILS = 300
"""Characters of a status's text; each of them takes up to twelve bytes of a header."""

Context = grpc.aio.ServicerContext[Any, Any]
Q = TypeVar("Q")
R = TypeVar("R")

_LATE = object()
_log = logging.getLogger(__name__)


class Calls:
    """Bounds the calls of a gRPC server. Used from the event loop only.

    Messages are received here and not by gRPC, which would wait for them without an end and answer one that it can't
    parse with Python's own text.
    """

    def __init__(self) -> None:
        self._budget = ByteBudget()
        self._in_flight = 0
        self._streams = 0
        self._places = asyncio.Semaphore(MAX_RECEIVING)
        self._waiting = 0

    def method(
        self, answer: Callable[[Q], Awaitable[R]], request: Any, serialize: Callable[[R], bytes]
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        """Return the handler of a method with one request and one response.

        Args:
            answer: What the method does; a ServingError that it raises becomes the status.
            request: The class of its request.
            serialize: Returns the bytes of its response.
        """

        async def handle(messages: object, context: Context) -> R | _Refusal:
            with self._refusing() as refusal, self._admitted(), self._budget.share() as share:
                payload = await self._receive(context)
                share.add(len(payload))
                return await answer(_parse(request, payload))
            try:
                await refusal.end(context)
            except grpc.aio.AbortError as error:
                del messages, context
                raise error.with_traceback(None) from None  # the call keeps the error, which must not keep the call
            return refusal

        # On the wire a stream of one message is the same as a message; here it is what leaves the reading to us.
        return grpc.stream_unary_rpc_method_handler(handle, None, serialize)

    def stream(
        self, answer: Callable[[Q], AsyncIterator[R]], request: Any, serialize: Callable[[R], bytes]
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        """Return the handler of a method with one request and many responses; see ``method``."""

        async def handle(messages: object, context: Context) -> None:
            with self._refusing() as refusal, self._admitted(as_stream=True):
                payload = await self._receive(context)
                async for response in answer(_parse(request, payload)):
                    await context.write(response)
                return
            try:
                await refusal.end(context)
            except grpc.aio.AbortError as error:
                del messages, context
                raise error.with_traceback(None) from None

        return grpc.stream_stream_rpc_method_handler(handle, None, serialize)

    @contextmanager
    def _refusing(self) -> Iterator["_Refusal"]:
        """Turn what goes wrong in the block into a refusal.

        Tracebacks are dropped: they know the call, and a call that isn't freed when it ends goes on counting as one
        of its connection's streams.
        """
        refusal = _Refusal()
        try:
            yield refusal
        except ServingError as error:
            refusal.code, refusal.details = error.code, _details(error)
            error.with_traceback(None)
        except grpc.aio.BaseError:  # grpcio's own: the call has ended
            raise
        except Exception as error:
            _log.exception("a call failed in a way that was not foreseen")
            error.with_traceback(None)

    @contextmanager
    def _admitted(self, as_stream: bool = False) -> Iterator[None]:
        if self._in_flight >= MAX_CALLS or (as_stream and self._streams >= MAX_STREAMS):
            raise ResourceExhaustedError("Too many calls are in flight")
        self._in_flight += 1
        self._streams += as_stream
        try:
            yield
        finally:
            self._in_flight -= 1
            self._streams -= as_stream

    async def _receive(self, context: Context) -> bytes:
        """Return the call's message.

        Raises:
            ServingError: It doesn't come, or too slowly.
        """
        await self._wait_for_place()
        try:
            payload = await _Receiving(context, self._is_contended).message()
        finally:
            self._places.release()
        if payload is _LATE:
            raise ResourceExhaustedError("The request message comes too slowly")
        if not isinstance(payload, bytes):  # grpc.aio.EOF, or the call has ended
            raise InvalidArgumentError("The call has no request message")
        return payload

    async def _wait_for_place(self) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout(RECEIVE_TIMEOUT_S):
                await self._places.acquire()
        except TimeoutError as error:
            raise ResourceExhaustedError("Too many messages are being received") from error
        finally:
            self._waiting -= 1

    def _is_contended(self) -> bool:
        return self._waiting > 0


@dataclass
class _Refusal:
    """The status of a call that isn't answered."""

    code: grpc.StatusCode = grpc.StatusCode.INTERNAL
    details: str = "The server failed; the reason was logged."

    async def end(self, context: Context) -> None:
        await context.abort(self.code, self.details)


class _Receiving:
    """Waits for one message. It isn't cancelled, since gRPC writes to the memory of the read until the call ends."""

    def __init__(self, context: Context, is_contended: Callable[[], bool]) -> None:
        self._context = context
        self._is_contended = is_contended
        self._loop = asyncio.get_running_loop()
        self._outcome: asyncio.Future[object] = self._loop.create_future()
        self._began = self._loop.time()

    async def message(self) -> object:
        """Return the message, ``_LATE`` where it comes too slowly, or something else where it doesn't come."""
        reading = self._loop.create_task(self._context.read())
        reading.add_done_callback(self._finish)
        timer = self._loop.call_later(STALLED_S, self._look)
        try:
            return await self._outcome
        finally:
            timer.cancel()

    def _finish(self, reading: asyncio.Task[Any]) -> None:
        failure = None if reading.cancelled() else reading.exception()  # looked at, so that it isn't logged
        if not self._outcome.done():
            self._outcome.set_result(None if reading.cancelled() or failure else reading.result())

    def _look(self) -> None:
        if self._outcome.done():
            return
        if self._is_contended() or self._loop.time() >= self._began + RECEIVE_TIMEOUT_S:
            self._outcome.set_result(_LATE)
        else:
            self._loop.call_later(STALLED_S, self._look)


def _parse(request: Any, payload: bytes) -> Any:
    check_wire_size(request.DESCRIPTOR, payload)
    try:
        return request.FromString(payload)
    except DecodeError as error:
        raise InvalidArgumentError("The request message can't be read") from error


def _details(error: ServingError) -> str:
    """Return an error's text as a header may carry it."""
    text = str(error)
    if text.isascii():
        return text
    return text[:MAX_NON_ASCII_DETAILS].encode("utf-8", "replace").decode()
