"""grpc.aio's server, without the requests that would end it.

grpc.aio decodes the path of a call that has no registered method in the loop that accepts calls, and an error there
stops the whole server: one request with a byte that isn't UTF-8 is enough (grpcio 1.85). Here every method of the
server is registered, so that grpc's core matches the path, and a call of any other path is answered UNIMPLEMENTED
without looking at it. This uses names of grpcio that aren't public; ``tests/security/test_model_server_grpc.py``
fails if a new version changes them.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
from grpc._cython import cygrpc
from grpc.aio._server import Server

Option = tuple[str, int | str]


class RegisteredMethodsServer(Server):
    """A ``grpc.aio.Server`` that serves registered methods alone."""

    def __init__(self, options: Sequence[Option], max_concurrent_rpcs: int | None = None) -> None:
        # In place of the base class's initialisation, which would make a server of grpcio's own.
        self._loop = asyncio.get_running_loop()
        self._server = _CallAcceptor(self._loop, None, (), (), tuple(options), max_concurrent_rpcs)


class _CallAcceptor(cygrpc.AioServer):  # type: ignore[misc]
    def _make_request_call_future(self, method: bytes | None) -> asyncio.Future[Any]:
        """Return what completes with the next call of a method; None stands for paths that aren't registered."""
        if method is None:
            return asyncio.get_running_loop().create_task(self._refuse_unknown_methods())
        future: asyncio.Future[Any] = super()._make_request_call_future(method)
        return future

    async def _refuse_unknown_methods(self) -> None:
        """Answer such calls until the server stops."""
        loop = asyncio.get_running_loop()
        refusing: set[asyncio.Task[None]] = set()
        while True:
            call = await self._request_call()  # raises once the server stops
            task = loop.create_task(_refuse(call))
            refusing.add(task)
            task.add_done_callback(refusing.discard)


async def _refuse(call: Any) -> None:
    context = cygrpc._ServicerContext(call, None, None, asyncio.get_running_loop())
    try:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
    except Exception as error:  # grpcio ends an abort with an exception, and the caller may be gone
        error.with_traceback(None)  # the call keeps the exception, which must not keep the call
