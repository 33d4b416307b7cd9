"""Run an application until SIGTERM or SIGINT, and stop it without losing requests."""

import asyncio
import gc
import logging
import math
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Gauge

from services.runtime.app import ServiceContext
from services.runtime.connections import REPORT_PERIOD_S, ConnectionLimits, Connections, Rejections, ServerConfig
from services.runtime.http_protocol import ProblemHttpProtocol
from services.runtime.process import (
    DescriptorCheck,
    DescriptorReserve,
    disable_core_dumps,
    max_connections,
    raise_descriptor_limit,
    tune_malloc,
)
from services.runtime.settings import ServiceSettings
from services.runtime.shutdown import ShutdownState


def server_config(
    app: FastAPI,
    stop_timeout_s: int,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    websockets: type[asyncio.Protocol] | None = None,
    limits: ConnectionLimits | None = None,
    registry: CollectorRegistry | None = None,
    exempt: Callable[[str], bool] = lambda _: False,
) -> ServerConfig:
    """Return the configuration of a service's HTTP server.

    Args:
        app: The application.
        stop_timeout_s: Seconds that requests in flight may take to finish when it stops.
        host: Where to listen, if the server isn't handed a socket.
        port: The port; 0 picks a free one.
        websockets: The WebSocket protocol, ``LimitedWebSocketProtocol``; None if the service has no WebSockets.
        limits: Bounds of its connections; there are never more than three quarters of the process's descriptors.
        registry: Where connections and rejections are counted.
        exempt: Returns whether an address may have any number of connections, as proxies must.
    """
    config = ServerConfig(
        app,
        host=host,
        port=port,
        http=ProblemHttpProtocol,
        ws=websockets or "none",
        ws_per_message_deflate=False,  # images don't shrink, and each connection would hold its compression windows
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # a client could write them; the gateway reads those of proxies that its settings name
        timeout_graceful_shutdown=stop_timeout_s,
    )
    registry = registry or CollectorRegistry()
    wanted = limits or ConnectionLimits()
    config.limits = replace(wanted, max_connections=max_connections(wanted.max_connections))
    config.rejections = Rejections(registry)
    config.connections = Connections(config.limits, config.rejections, exempt)
    open_connections = Gauge("http_connections", "Connections that are open", registry=registry)
    open_connections.set_function(lambda: len(config.connections))
    return config


_log = logging.getLogger(__name__)


class DrainingServer(uvicorn.Server):
    """uvicorn's server with a pause between the signal and the end of listening.

    On the first SIGTERM or SIGINT readiness goes down while requests are still accepted, so that a load balancer can
    use other replicas; then uvicorn finishes the requests in flight and closes. The process ends with status 0. If the
    application is still opening its resources, the start is cancelled. A second signal ends the process at once, like
    an unhandled signal.
    """

    def __init__(self, config: ServerConfig, shutdown: ShutdownState, drain_s: float) -> None:
        super().__init__(config)
        self._limited = config
        self._reserve = DescriptorReserve()
        self._next_descriptor_line = 0.0
        self._shutdown = shutdown
        self._drain_s = drain_s
        self._starting: asyncio.Task[Any] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Start the shutdown; called from a signal handler."""
        if self._shutdown.started:
            # uvicorn's own force_exit still waits for open connections and for a slow start
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        self._shutdown.start()
        if self._starting is not None:
            self._starting.get_loop().call_soon_threadsafe(self._cancel_start)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the application's resources and listen."""
        starting = self._starting = asyncio.current_task()
        try:
            await super().startup(sockets)
        except asyncio.CancelledError:
            if starting is None or not self._shutdown.started:
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
        """Check the connections' deadlines, ten times a second, and return whether uvicorn should exit."""
        leave = await super().on_tick(counter)
        self._check_connections()
        return leave or self._shutdown.started_for(self._drain_s)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the requests in flight and close."""
        _log.info("stopping")
        for server in self.servers:
            server.close()
        await self._shutdown.run_hooks()
        await super().shutdown(sockets)
        self._reserve.close()
        self._limited.rejections.report(math.inf)
        _log.info("stopped")

    def _check_connections(self) -> None:
        now = asyncio.get_running_loop().time()
        connections, rejections = self._limited.connections, self._limited.rejections
        connections.check_deadlines(now)
        was_full, connections.full = connections.full, self._reserve.is_exhausted()
        if connections.full and not was_full and now >= self._next_descriptor_line:
            _log.error("no file descriptor is left: idle connections are closed for new ones, or new ones get 503")
            self._next_descriptor_line = now + REPORT_PERIOD_S
        rejections.report(now)

    def _cancel_start(self) -> None:
        if self._starting is not None:
            # uvicorn would log the cancelled start with a traceback, like a failed one
            logging.getLogger("uvicorn.error").disabled = True
            self._starting.cancel()


def serve(
    app: FastAPI,
    settings: ServiceSettings,
    context: ServiceContext,
    websockets: type[asyncio.Protocol] | None = None,
    limits: ConnectionLimits | None = None,
    exempt: Callable[[str], bool] = lambda _: False,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        app: The application.
        settings: Where it listens, and how many connections it takes.
        context: The context that the application was built with.
        websockets: See ``server_config``.
        limits: Limits of its connections, except their number, which is in the settings.
        exempt: See ``server_config``.
    """
    tune_malloc()
    disable_core_dumps()
    raise_descriptor_limit()
    gc.freeze()  # loaded objects stay; each full collection would scan them and delay every response
    context.checks["descriptors"] = DescriptorCheck()
    config = server_config(
        app,
        settings.stop_timeout_s,
        settings.host,
        settings.port,
        websockets=websockets,
        limits=replace(
            limits or ConnectionLimits(),
            max_connections=settings.max_connections,
            max_connections_per_client=settings.max_connections_per_client,
        ),
        registry=context.registry,
        exempt=exempt,
    )
    DrainingServer(config, context.shutdown, settings.drain_s).run()
