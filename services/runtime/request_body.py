"""What a request body may be: its media type, its size and how slowly it may arrive."""

import asyncio
import time
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.contracts.problems import ProblemKind, ServiceError
from services.runtime.client_address import address_group
from services.runtime.limits import BudgetExceededError, ByteBudget, Lease

GRACE_S = 10.0
"""Time that any body may take; a longer one must make progress in each period of this length."""

MIN_BYTES_PER_S = 16 * 1024
"""Minimum average rate in each period: slower than any phone network. Earlier, faster periods don't count."""

MAX_LENGTH = 2**63 - 1
_MAX_LENGTH_DIGITS = 18


class BodyLimit:
    """ASGI middleware: reading a body that breaks its limits raises a problem.

    Over ``limit_bytes`` that is a 413; slower than ``MIN_BYTES_PER_S`` in any ``GRACE_S`` a 408. If the bodies of
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
        lease = None if self._budget is None else self._budget.lease(_client(scope))
        body = _Body(receive, content_length(Headers(scope=scope)), self._limit, self._grace_s, lease)
        try:
            await self._app(scope, body.receive, send)
        finally:
            if lease is not None:
                lease.resize(0)


def _client(scope: Scope) -> str:
    client = scope.get("client")
    return address_group(client[0] if client else None)


def content_length(headers: Headers) -> int:
    """Return the ``Content-Length``, at most ``MAX_LENGTH``; 0 if it is missing or invalid."""
    announced = headers.get("content-length", "").strip().lstrip("0")
    if not (announced.isascii() and announced.isdecimal()):
        return 0
    return int(announced) if len(announced) <= _MAX_LENGTH_DIGITS else MAX_LENGTH


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
        self._started = self._period_began = time.monotonic()
        self._period_read = 0

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
            raise ServiceError(
                ProblemKind.BODY_TOO_SLOW, f"{self._read:,} bytes came in {time.monotonic() - self._started:.0f} s"
            ) from error
        self._read += len(message.get("body", b""))
        if self._read - self._period_read >= MIN_BYTES_PER_S * self._grace_s:
            self._period_began, self._period_read = time.monotonic(), self._read
        self._complete = not message.get("more_body", False)
        if self._read > self._limit:
            raise self._too_large("more than that was sent")
        if self._lease is not None and self._read:
            try:
                self._lease.resize(self._read)
            except BudgetExceededError as error:
                raise ServiceError(ProblemKind.OVERLOADED, "Too much is being received from all clients") from error
        return message

    def _seconds_left(self) -> float:
        return max(0.0, self._period_began + self._grace_s - time.monotonic())

    def _too_large(self, why: str) -> ServiceError:
        return ServiceError(
            ProblemKind.BODY_TOO_LARGE,
            f"The body may have {self._limit:,} bytes; {why}",
            limit_bytes=self._limit,
        )


def media_type(headers: Headers) -> str:
    """Return a request's media type in lower case without its parameters; empty if none is stated."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def require_media_type(headers: Headers, accepted: Collection[str]) -> str:
    """Return the media type; a request that states none is taken by its bytes.

    Raises:
        ServiceError: 415, the type isn't one of those accepted.
    """
    stated = media_type(headers)
    if stated and stated not in accepted:
        raise ServiceError(
            ProblemKind.UNSUPPORTED_MEDIA_TYPE,
            f"Accepted are {', '.join(accepted)}; got {stated[:100]}",
            accepted=list(accepted),
        )
    return stated
