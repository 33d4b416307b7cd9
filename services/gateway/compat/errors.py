"""Sends problems of compatible APIs' routes in their own shapes; everywhere else they stay RFC 9457."""

import json
from collections.abc import Sequence

from fastapi import Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.contracts.problems import PROBLEM_MEDIA_TYPE, Problem, ProblemKind
from services.gateway.compat.base import ErrorShape, RefusedError


class OwnErrors:
    """ASGI middleware: it reads each problem that leaves the application and puts the API's error in its place.

    So keys, limits, deadlines and failures need no second way of telling, wherever they are found out.
    """

    def __init__(self, app: ASGIApp, shapes: Sequence[ErrorShape]) -> None:
        self._app = app
        self._shapes = shapes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on to the application."""
        shape = shape_of(scope, self._shapes)
        await self._app(scope, receive, _Translated(shape, send).send if shape else send)


def shape_of(scope: Scope, shapes: Sequence[ErrorShape]) -> ErrorShape | None:
    """Return the shape of the API that a request is for, if it is for one."""
    if scope["type"] != "http":
        return None
    return next((shape for shape in shapes if shape.owns(scope["method"], scope["path"])), None)


async def on_refused(shapes: Sequence[ErrorShape], request: Request, error: Exception) -> Response:
    """Answer a request that was refused in its API's own words."""
    assert isinstance(error, RefusedError)
    shape = shape_of(request.scope, shapes)
    assert shape is not None
    return Response(json.dumps(error.error.body), error.error.status, shape.headers(request.state.request_id))


class _Translated:
    """One answer on its way out."""

    def __init__(self, shape: ErrorShape, send: Send) -> None:
        self._shape = shape
        self._send = send
        self._start: Message | None = None
        self._problem = b""

    async def send(self, message: Message) -> None:
        """Send a message of the answer, or hold it back while it is a problem that isn't whole yet."""
        if message["type"] == "http.response.start" and _is_problem(message):
            self._start = message
            return
        if self._start is None:
            await self._send(message)
            return
        self._problem += message.get("body", b"")
        if not message.get("more_body", False):
            await self._send_own(self._start)

    async def _send_own(self, start: Message) -> None:
        told = json.loads(self._problem)
        problem = Problem(_KINDS[told["type"]], told["detail"])
        error = self._shape.of(problem)
        body = json.dumps(error.body).encode()
        start = {**start, "status": error.status, "headers": list(start["headers"])}
        headers = {**self._shape.headers(told["request_id"]), "Content-Length": str(len(body))}
        MutableHeaders(scope=start).update(headers)
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


_KINDS = {kind.type: kind for kind in ProblemKind}


def _is_problem(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type") == PROBLEM_MEDIA_TYPE
