"""Receives the messages of calls: few at the same time, none for long, and the newest call first.

gRPC itself waits for a message without an end. A caller that sends half of one would hold its place for good, and
enough of them would keep everyone else out.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc

from services.serving.errors import InvalidArgumentError, ResourceExhaustedError

MAX_RECEIVING = 16
"""Messages received at the same time; more calls wait for a place."""

MAX_WAITING = 240
"""Calls that wait for a place; the oldest leaves where there is one more."""

RECEIVE_TIMEOUT_S = 10.0
"""How long a call may wait for a place, and then may take to deliver its message."""

STALLED_S = 0.25
"""How long it may take to deliver its message while other calls wait for its place."""

Context = grpc.aio.ServicerContext[Any, Any]
_LATE = object()


class Reception:
    """Used from the event loop only."""

    def __init__(self) -> None:
        self._taken = 0
        self._waiting: list[asyncio.Future[bool]] = []
        self._receiving: dict[_Receiving, None] = {}

    async def receive(self, context: Context) -> bytes:
        """Return a call's message.

        Raises:
            ResourceExhaustedError: It comes too slowly, or too many others do.
            InvalidArgumentError: It doesn't come.
        """
        await self._enter()
        receiving = _Receiving(context, self._has_waiting)
        self._receiving[receiving] = None
        try:
            payload = await receiving.message()
        finally:
            del self._receiving[receiving]
            self._leave()
        if payload is _LATE:
            raise ResourceExhaustedError("The request message comes too slowly")
        if not isinstance(payload, bytes):  # grpc.aio.EOF, or the call has ended
            raise InvalidArgumentError("The call has no request message")
        return payload

    async def _enter(self) -> None:
        if self._taken < MAX_RECEIVING:
            self._taken += 1
            return
        if self._receiving:
            next(iter(self._receiving)).end_if_stalled()
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.pop(0).set_result(False)
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        if not await self._wait_for(place):
            raise ResourceExhaustedError("Too many messages are being received")

    async def _wait_for(self, place: asyncio.Future[bool]) -> bool:
        try:
            async with asyncio.timeout(RECEIVE_TIMEOUT_S):
                return await asyncio.shield(place)
        except BaseException as error:
            if place in self._waiting:
                self._waiting.remove(place)
            elif place.done() and place.result():
                self._leave()  # it was given at the same moment
            if isinstance(error, TimeoutError):
                return False
            raise

    def _leave(self) -> None:
        """Give a place to the newest call: its caller is the most likely to wait still."""
        if self._waiting:
            self._waiting.pop().set_result(True)
        else:
            self._taken -= 1

    def _has_waiting(self) -> bool:
        return bool(self._waiting)


class _Receiving:
    """Waits for one message. The read isn't cancelled, since gRPC writes to its memory until the call ends."""

    def __init__(self, context: Context, is_contended: Callable[[], bool]) -> None:
        self._context = context
        self._is_contended = is_contended
        self._loop = asyncio.get_running_loop()
        self._outcome: asyncio.Future[object] = self._loop.create_future()
        self._began = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    async def message(self) -> object:
        """Return the message, ``_LATE`` where it comes too slowly, or something else where it doesn't come."""
        reading = self._loop.create_task(self._context.read())
        reading.add_done_callback(self._finish)
        self._set_timer()
        try:
            return await self._outcome
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def end_if_stalled(self) -> None:
        """Wait no longer where it has taken long already."""
        if self._loop.time() >= self._began + STALLED_S:
            self._end()

    def _finish(self, reading: asyncio.Task[Any]) -> None:
        failure = None if reading.cancelled() else reading.exception()  # looked at, so that it isn't logged
        if not self._outcome.done():
            self._outcome.set_result(None if reading.cancelled() or failure else reading.result())

    def _set_timer(self) -> None:
        self._timer = self._loop.call_later(STALLED_S, self._look)

    def _look(self) -> None:
        if self._is_contended() or self._loop.time() >= self._began + RECEIVE_TIMEOUT_S:
            self._end()
        else:
            self._set_timer()

    def _end(self) -> None:
        if not self._outcome.done():
            self._outcome.set_result(_LATE)
