"""How every service of ours speaks HTTP: uvicorn's configuration with our limits."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Gauge

from services.runtime.connection_limits import ConnectionLimits
from services.runtime.connections import Connections
from services.runtime.descriptors import max_connections
from services.runtime.http_protocol import ProblemHttpProtocol
from services.runtime.rejections import Rejections


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration, and what the protocols of ours share.

    Attributes:
        limits: Bounds of all connections.
        rejections: Counts what is refused.
        connections: Those that are open.
    """

    limits: ConnectionLimits
    rejections: Rejections
    connections: Connections


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
    """Return how a service speaks HTTP.

    Args:
        app: The application.
        stop_timeout_s: Seconds that requests in flight may take to finish when it stops.
        host: Where to listen, if the server isn't handed a socket.
        port: Likewise.
        websockets: Speaks WebSocket, which is ``LimitedWebSocketProtocol``; None where the service has none.
        limits: Bounds of its connections; there are never more than three quarters of the process's descriptors.
        registry: Where connections and refusals are counted.
        exempt: Tells of an address whether it may have any number of connections, as proxies must.
    """
    config = ServerConfig(
        app,
        host=host,
        port=port,
        http=ProblemHttpProtocol,
        ws=websockets or "none",
        ws_per_message_deflate=False,  # pictures don't shrink, and each connection would hold its windows
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
