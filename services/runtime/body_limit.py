"""Refuses bodies over the limit before they are read whole, announced or chunked."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.contracts.problems import ProblemKind
from services.runtime.problems import ProblemError


class BodyLimit:
    """ASGI middleware: reading more than ``limit_bytes`` of a body raises a 413 problem."""

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self._app = app
        self._limit = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on to the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        read = 0

        async def limited_receive() -> Message:
            nonlocal read
            if announced.isdecimal() and int(announced) > self._limit:
                raise self._too_large(f"{int(announced):,} bytes were announced")
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._limit:
                raise self._too_large("more than that was sent")
            return message

        await self._app(scope, limited_receive, send)

    def _too_large(self, why: str) -> ProblemError:
        return ProblemError(
            ProblemKind.BODY_TOO_LARGE,
            f"The body may have {self._limit:,} bytes; {why}",
            limit_bytes=self._limit,
        )
