"""Runs an application until it is told to stop, and stops it without losing requests."""

import asyncio
import gc
import logging
import signal
import socket
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from services.runtime.http_protocol import ProblemHttpProtocol
from services.runtime.memory import forbid_core_dumps, return_freed_memory
from services.runtime.settings import ServiceSettings
from services.runtime.stopping import Stopping

_log = logging.getLogger(__name__)


class DrainingServer(uvicorn.Server):
    """uvicorn's server with a pause between the signal and the end of listening.

    On the first SIGTERM or SIGINT readiness goes down while requests are still taken, so that a load
    balancer can look elsewhere; then uvicorn finishes what is in flight and closes. The process ends
    with status 0: stopping when asked is no failure. Where the application is still opening its
    resources there is nothing to finish, and it stops there. A second signal ends the process at
    once, as a signal does that nobody handles.
    """

    def __init__(self, config: uvicorn.Config, stopping: Stopping, drain_s: float) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._drain_s = drain_s
        self._starting: asyncio.Task[Any] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Begin to stop; called from a signal handler."""
        if self._stopping.begun:
            # uvicorn's own force_exit still waits for open connections and for a slow start
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        self._stopping.begin()
        if self._starting is not None:
            self._starting.get_loop().call_soon_threadsafe(self._cancel_start)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the application's resources and listen."""
        starting = self._starting = asyncio.current_task()
        try:
            await super().startup(sockets)
        except asyncio.CancelledError:
            if starting is None or not self._stopping.begun:
                raise
            starting.uncancel()
            self.should_exit = True
            return
        finally:
            self._starting = None
        for listener in (listener for server in self.servers for listener in server.sockets):
            host, port = listener.getsockname()[:2]
            _log.info("listening on %s port %d", host, port)

    async def on_tick(self, counter: int) -> bool:
        """Tell uvicorn, ten times a second, whether to leave."""
        leave = await super().on_tick(counter)
        return leave or self._stopping.begun_for(self._drain_s)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is in flight and close."""
        _log.info("stopping")
        for server in self.servers:
            server.close()
        await self._stopping.end_the_endless()
        await super().shutdown(sockets)
        _log.info("stopped")

    def _cancel_start(self) -> None:
        if self._starting is not None:
            # the cancelled start would be reported with a traceback, as a failed one is
            logging.getLogger("uvicorn.error").disabled = True
            self._starting.cancel()


def serve(
    app: FastAPI, settings: ServiceSettings, stopping: Stopping, websocket_message_bytes: int | None = None
) -> None:
    """Serve until SIGTERM or SIGINT; see ``server_config`` for WebSockets."""
    return_freed_memory()
    forbid_core_dumps()
    gc.freeze()  # what is loaded stays; each full collection would look at it again and hold every answer up meanwhile
    config = server_config(app, settings.stop_timeout_s, settings.host, settings.port, websocket_message_bytes)
    DrainingServer(config, stopping, settings.drain_s).run()


def server_config(
    app: FastAPI,
    stop_timeout_s: int,
    host: str = "127.0.0.1",
    port: int = 0,
    websocket_message_bytes: int | None = None,
) -> uvicorn.Config:
    """Return how every service of ours speaks HTTP.

    Args:
        app: The application.
        stop_timeout_s: Seconds that requests in flight may take to finish when it stops.
        host: Where to listen, if the server isn't handed a socket.
        port: Likewise.
        websocket_message_bytes: Largest WebSocket message that is read; a larger one ends its connection with the
            code 1009. None where the service has no WebSockets.
    """
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=ProblemHttpProtocol,
        ws="none" if websocket_message_bytes is None else "websockets-sansio",
        ws_max_size=websocket_message_bytes or 0,
        ws_per_message_deflate=False,  # pictures don't shrink, and each connection would hold its windows
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # a client could write them; the gateway reads those of proxies that its settings name
        timeout_graceful_shutdown=stop_timeout_s,
    )
