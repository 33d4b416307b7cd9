"""How much, how long and how often: the bounds of every connection to a service."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ConnectionLimits:
    """Bounds of the connections to one server.

    Each time limit belongs to a state of a connection and starts when the state is entered. Bytes that arrive don't
    start it again, except where so many have arrived in it that ``min_bytes_per_s`` is kept.

    Attributes:
        head_s: Time for a request's line and headers; a new connection's first request included.
        idle_s: Time between an answer and the next request's first byte.
        body_s: Time in which a body is complete, or comes fast enough. It is longer than what the application itself
            allows, which answers with a problem.
        discard_s: Time for the rest of a body whose request is answered already.
        handshake_s: Time until the application accepts or refuses a WebSocket.
        message_s: Time in which a WebSocket message is complete, or comes fast enough.
        unsent_s: Time in which a client takes what is waiting for it, and as long as that takes at ``min_bytes_per_s``.
        close_s: Likewise for the end of a connection; then it is cut.
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
    """What a client may send over one WebSocket. The defaults suit a feed, which ignores what it is sent.

    Attributes:
        max_bytes: Bytes of a message; a larger one ends the connection with the code 1009.
        messages_per_s: Messages a second on average, and in a burst ten times as many; None for no bound, where an
            answer follows each message. More end the connection with the code 1008.
        fragments: Fragments of a message, besides one for each KiB.
        control_frames_per_s: Pings and pongs a second on average, and in a burst ten times as many.
    """

    max_bytes: int = 1024
    messages_per_s: float | None = 5.0
    fragments: int = 64
    control_frames_per_s: float = 2.0
