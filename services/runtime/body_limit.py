"""Refuses bodies that are too large or too slow before they are read whole, announced or chunked."""

import asyncio
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.contracts.problems import ProblemKind
from services.runtime.byte_budget import BudgetExceededError, ByteBudget, Lease
from services.runtime.problems import ProblemError

GRACE_S = 10.0
"""How long a body may take however small it is, and how long it may pause."""

LEAST_BYTES_PER_S = 16 * 1024
"""How fast it must come on average in each such time: slower than any phone network, faster than an attack."""


class BodyLimit:
    """ASGI middleware: reading a body that breaks its limits raises a problem.

    Over ``limit_bytes`` that is a 413; slower than ``LEAST_BYTES_PER_S`` after ``GRACE_S`` a 408. Where the bodies of
    all requests together exceed the budget, it is a 503.
    """

    def __init__(
        self, app: ASGIApp, limit_bytes: int, grace_s: float = GRACE_S, budget: ByteBudget | None = None
    ) -> None:
        self._app = app
        self._limit = limit_bytes
        self._grace_s = grace_s
        self._budget = budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on to the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        lease = None if self._budget is None else self._budget.lease()
        body = _Body(receive, int(announced) if announced.isdecimal() else 0, self._limit, self._grace_s, lease)
        try:
            await self._app(scope, body.receive, send)
        finally:
            if lease is not None:
                lease.resize(0)


class _Body:
    """One request's body on its way in."""

    def __init__(self, receive: Receive, announced: int, limit: int, grace_s: float, lease: Lease | None) -> None:
        self._receive = receive
        self._announced = announced
        self._limit = limit
        self._grace_s = grace_s
        self._lease = lease
        self._read = 0
        self._complete = False
        self._started = self._counted_from_s = time.monotonic()
        self._counted = 0

    async def receive(self) -> Message:
        """Return the next message of the connection."""
        if self._announced > self._limit:
            raise self._too_large(f"{self._announced:,} bytes were announced")
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout(self._seconds_left()):
                message = await self._receive()
        except TimeoutError as error:
            raise ProblemError(
                ProblemKind.BODY_TOO_SLOW, f"{self._read:,} bytes came in {time.monotonic() - self._started:.0f} s"
            ) from error
        self._count(len(message.get("body", b"")))
        self._complete = not message.get("more_body", False)
        if self._read > self._limit:
            raise self._too_large("more than that was sent")
        if self._lease is not None and self._read:
            try:
                self._lease.resize(self._read)
            except BudgetExceededError as error:
                raise ProblemError(ProblemKind.OVERLOADED, "Too much is being received from all clients") from error
        return message

    def _count(self, size: int) -> None:
        self._read += size
        self._counted += size
        if self._counted >= self._grace_s * LEAST_BYTES_PER_S:
            self._counted, self._counted_from_s = 0, time.monotonic()

    def _seconds_left(self) -> float:
        return max(0.0, self._counted_from_s + self._grace_s - time.monotonic())

    def _too_large(self, why: str) -> ProblemError:
        return ProblemError(
            ProblemKind.BODY_TOO_LARGE,
            f"The body may have {self._limit:,} bytes; {why}",
            limit_bytes=self._limit,
        )
