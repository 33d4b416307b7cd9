"""The gRPC server."""

import logging
from collections.abc import Mapping
from urllib.parse import quote

from services.serving.aio_server import RegisteredMethodsServer
from services.serving.flags import Flags
from services.serving.grpc_api import Methods
from services.serving.ports import PortError, host_and_port
from services.serving.server_options import ServerOptions

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Of a request, decompressed; ``--grpc_channel_arguments=grpc.max_receive_message_length=…`` changes it."""

_OPTIONS: dict[str, int | str] = {
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.max_metadata_size": 8 * 1024,
    "grpc.absolute_max_metadata_size": 16 * 1024,
    "grpc.max_allowed_incoming_connections": 128,
    "grpc.max_concurrent_streams": 256,
    # What a call that isn't read yet may have sent; probing the bandwidth would let it grow to megabytes.
    "grpc.http2.bdp_probe": 0,
    "grpc.server_handshake_timeout_ms": 5000,
    # Every connection ends, idle ones and those whose client doesn't read its answers too; others go on on a new one.
    "grpc.max_connection_age_ms": 120_000,
    "grpc.max_connection_age_grace_ms": 30_000,
    # Without this a second server would share the port instead of failing.
    "grpc.so_reuseport": 0,
}


def create_grpc_server(options: ServerOptions, services: Mapping[str, Methods]) -> RegisteredMethodsServer:
    """Return a server that listens once it is started.

    Args:
        options: Where it listens, and gRPC's own options.
        services: The methods of each service, by its full name.

    Raises:
        PortError: The port can't be listened on.
    """
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_about_the_server)
    server = RegisteredMethodsServer(
        tuple({**_OPTIONS, **dict(options.channel_arguments)}.items()), options.flags.grpc_max_threads
    )
    for service, methods in services.items():
        server.add_registered_method_handlers(service, dict(methods))
    for place, address in _places(options.flags).items():
        try:
            server.add_insecure_port(address)
        except RuntimeError as error:
            raise PortError(place, str(error)) from error
    return server


def describe_places(flags: Flags) -> str:
    """Return where gRPC listens, for people."""
    return " and ".join(_places(flags))


def _places(flags: Flags) -> dict[str, str]:
    """Return where to listen: for people, and as gRPC writes it."""
    places = {}
    if flags.port:
        address = host_and_port(flags.bind_address, flags.port)
        places[address] = address
    if flags.grpc_socket_path:
        places[flags.grpc_socket_path] = f"unix:{quote(flags.grpc_socket_path)}"
    return places


def _is_about_the_server(record: logging.LogRecord) -> bool:
    """Tell whether a line of grpcio's is more than about one call, which its caller can cause as often as it likes."""
    message = record.getMessage()
    return "servicer method" not in message and "Invalid encoding" not in message
