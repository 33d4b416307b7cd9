"""The open connections of a server: their limits and deadlines, and counts of rejections."""

import asyncio
import logging
import math
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn
from prometheus_client import CollectorRegistry
from prometheus_client import Counter as CounterMetric

from services.runtime.client_address import address_group, is_local


@dataclass(frozen=True)
class ConnectionLimits:
    """Bounds of the connections to one server.

    Each time limit belongs to a state of a connection and starts when the state is entered. Bytes that arrive don't
    start it again, unless so many have arrived that ``min_bytes_per_s`` is kept.

    Attributes:
        head_s: Time for a request's line and headers; a new connection's first request included.
        idle_s: Time between an answer and the next request's first byte.
        body_s: Time in which a body is complete, or arrives fast enough. It is longer than the application's own
            limit, which is answered with a problem.
        discard_s: Time for the rest of a body whose request was answered already.
        handshake_s: Time until the application accepts or refuses a WebSocket.
        message_s: Time in which a WebSocket message is complete, or comes fast enough.
        unsent_s: Time in which a client reads what was sent, plus the time that this takes at ``min_bytes_per_s``.
        close_s: The same for the end of a connection; then it is aborted.
        min_bytes_per_s: Slowest transfer: slower than any phone network, faster than an attack.
        max_head_bytes: Bytes of a request that are not its body: line, headers, framing of chunks, trailers.
        max_headers: Headers of a request.
        max_discarded_bytes: Bytes of a body that are read and thrown away after the answer.
        max_pipelined: Requests of a connection that wait while an earlier one is answered.
        max_connections: Connections of a server. Loopback has ``local_reserve`` more, for health checks.
        max_connections_per_client: Connections of one address, or of one /64 network of IPv6.
        local_reserve: See ``max_connections``.
    """

    head_s: float = 10.0
    idle_s: float = 5.0
    body_s: float = 12.0
    discard_s: float = 5.0
    handshake_s: float = 10.0
    message_s: float = 10.0
    unsent_s: float = 30.0
    close_s: float = 5.0
    min_bytes_per_s: int = 16 * 1024
    max_head_bytes: int = 64 * 1024
    max_headers: int = 100
    max_discarded_bytes: int = 64 * 1024 * 1024
    max_pipelined: int = 16
    max_connections: int = 2048
    max_connections_per_client: int = 256
    local_reserve: int = 16


@dataclass(frozen=True)
class MessageLimits:
    """What a client may send over one WebSocket. The defaults suit a feed, which ignores messages.

    Attributes:
        max_bytes: Bytes of a message; a larger one ends the connection with the code 1009.
        messages_per_s: Messages a second on average, and in a burst ten times as many; None for no bound, where an
            answer follows each message. More end the connection with the code 1008.
        fragments: Fragments of a message, in addition to one for each KiB.
        control_frames_per_s: Pings and pongs a second on average, and in a burst ten times as many.
    """

    max_bytes: int = 1024
    messages_per_s: float | None = 5.0
    fragments: int = 64
    control_frames_per_s: float = 2.0


REPORT_PERIOD_S = 60.0
"""Minimum time between two log lines."""

_log = logging.getLogger(__name__)


class Rejections:
    """Counts rejected requests and connections by reason."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counter = CounterMetric(
            "http_rejected", "Requests and connections refused or cut off by the server", ["reason"], registry=registry
        )
        self._unreported = Counter[str]()
        self._next_report = 0.0

    def count(self, reason: str) -> None:
        """Count one; the reasons are few and fixed."""
        self._counter.labels(reason).inc()
        self._unreported[reason] += 1

    def report(self, now: float) -> None:
        """Log what was counted since the last report, at most once in a period.

        Args:
            now: Monotonic time in seconds.
        """
        if self._unreported and now >= self._next_report:
            reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(self._unreported.items()))
            _log.warning("requests and connections refused or cut off: %s", reasons)
            self._unreported.clear()
            self._next_report = now + REPORT_PERIOD_S


class TimedConnection(asyncio.Protocol):
    """A mixin for uvicorn's protocols: deadlines for the state, for unread data and for the end of a connection.

    ``Connections`` calls ``check_deadlines`` ten times a second.

    No timers are started and cancelled for each request: a state's deadline is a number.
    """

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    limits: ConnectionLimits
    rejections: Rejections

    deadline = math.inf
    """When the current state has lasted too long, by the loop's clock."""
    _arrived_bytes = 0
    _send_deadline = math.inf
    _close_deadline = math.inf

    def check_deadlines(self, now: float) -> None:
        """End the connection if a deadline has passed."""
        if self.transport.is_closing():
            if self._close_deadline == math.inf:
                self._close_deadline = now + self.limits.close_s + self._unsent_s()
            elif now >= self._close_deadline:
                self.transport.abort()
        elif now >= self._send_deadline:
            self.rejections.count("unsent")
            self.transport.abort()
        elif now >= self.deadline:
            self.on_deadline(now)

    def on_deadline(self, now: float) -> None:
        """Handle a state that has lasted too long: end the connection, or set ``deadline`` again."""
        raise NotImplementedError

    def start_timer(self, seconds: float) -> None:
        """Start a state that may last this long."""
        self.deadline = self.loop.time() + seconds
        self._arrived_bytes = 0

    def record_transfer(self, count: int, seconds: float) -> None:
        """Restart the timer if enough has arrived since it was started."""
        self._arrived_bytes += count
        if self._arrived_bytes >= seconds * self.limits.min_bytes_per_s:
            self.start_timer(seconds)

    def pause_writing(self) -> None:
        """Start to wait for the client to read what was sent."""
        self._send_deadline = self.loop.time() + self.limits.unsent_s + self._unsent_s()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Stop waiting: the client has read enough."""
        self._send_deadline = math.inf
        super().resume_writing()

    def _unsent_s(self) -> float:
        return self.transport.get_write_buffer_size() / self.limits.min_bytes_per_s


class Connections:
    """Admits connections up to the limits. It closes idle connections before it rejects a new one."""

    def __init__(self, limits: ConnectionLimits, rejections: Rejections, exempt: Callable[[str], bool]) -> None:
        """Start without connections.

        Args:
            limits: The limits.
            rejections: Counts rejected connections.
            exempt: Returns whether an address may have any number of connections, as proxies must.
        """
        self._limits = limits
        self._rejections = rejections
        self._exempt = exempt
        self._open: dict[TimedConnection, str] = {}
        self._of_group = Counter[str]()
        self._fresh = OrderedDict[TimedConnection, None]()
        self._idle = OrderedDict[TimedConnection, None]()
        self.full = False
        """Whether the process has no descriptor for another connection."""

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: TimedConnection, host: str) -> bool:
        """Count a new connection; return whether it may stay."""
        local = is_local(host)
        group = address_group(host)
        limit = self._limits.max_connections + (self._limits.local_reserve if local else 0)
        if not local and self._of_group[group] >= self._limits.max_connections_per_client and not self._exempt(host):
            self._rejections.count("connections-of-client")
            admitted = False
        elif (self.full or len(self._open) >= limit) and not self._evict_oldest_idle():
            self._rejections.count("connections")
            admitted = False
        else:
            admitted = True
        self._open[connection] = group
        self._of_group[group] += 1
        if admitted:
            self._fresh[connection] = None
        return admitted

    def replace(self, connection: TimedConnection, successor: TimedConnection) -> None:
        """Count another protocol of the same connection instead."""
        group = self._open.pop(connection, None)
        self.mark_active(connection)
        if group is not None:
            self._open[successor] = group

    def remove(self, connection: TimedConnection) -> None:
        """Remove a connection that has ended."""
        self.mark_active(connection)
        group = self._open.pop(connection, None)
        if group is None:
            return
        self._of_group[group] -= 1
        if not self._of_group[group]:
            del self._of_group[group]

    def mark_idle(self, connection: TimedConnection) -> None:
        """Mark a connection that waits for its client's next request: it may be closed to make room."""
        if connection in self._open:
            self._idle[connection] = None

    def mark_active(self, connection: TimedConnection) -> None:
        """Mark a connection whose client waits for the application."""
        self._fresh.pop(connection, None)
        self._idle.pop(connection, None)

    def check_deadlines(self, now: float) -> None:
        """End connections whose deadlines have passed.

        Args:
            now: By the loop's clock, in seconds.
        """
        for connection in tuple(self._open):
            connection.check_deadlines(now)

    def _evict_oldest_idle(self) -> bool:
        waiting = self._fresh or self._idle
        if not waiting:
            return False
        connection, _ = waiting.popitem(last=False)
        self.remove(connection)
        self._rejections.count("evicted")
        connection.transport.abort()
        return True


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration, with the objects that our protocols share.

    Attributes:
        limits: Bounds of all connections.
        rejections: Counts rejected requests and connections.
        connections: The open connections.
    """

    limits: ConnectionLimits
    rejections: Rejections
    connections: Connections
