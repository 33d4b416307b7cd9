"""From a call on the wire to its answer: receives within limits, reads, and turns errors into statuses."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError

from services.serving.byte_budget import ByteBudget
from services.serving.errors import InvalidArgumentError, ResourceExhaustedError, ServingError
from services.serving.grpc_reception import Context, Reception
from services.serving.wire_limits import check_wire_size

MAX_CALLS = 256
"""Calls whose message is there and that are worked on; more are refused."""

MAX_STREAMS = 16
"""Of these, calls whose answer goes on and on."""

MAX_NON_ASCII_DETAILS = 300
"""Characters of a status's text; each of them takes up to twelve bytes of a header."""

Q = TypeVar("Q")
R = TypeVar("R")

_log = logging.getLogger(__name__)


class Calls:
    """Bounds the calls of a gRPC server. Used from the event loop only.

    Messages are parsed here and not by gRPC, which answers one that it can't parse with Python's own text.
    """

    def __init__(self) -> None:
        self._budget = ByteBudget()
        self._in_flight = 0
        self._streams = 0
        self._reception = Reception()

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
            with self._refusing() as refusal:
                payload = await self._reception.receive(context)
                with self._admitted(), self._budget.share() as share:
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
            with self._refusing() as refusal:
                payload = await self._reception.receive(context)
                with self._admitted(as_stream=True):
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


@dataclass
class _Refusal:
    """The status of a call that isn't answered."""

    code: grpc.StatusCode = grpc.StatusCode.INTERNAL
    details: str = "The server failed; the reason was logged."

    async def end(self, context: Context) -> None:
        await context.abort(self.code, self.details)


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
