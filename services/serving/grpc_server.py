"""The gRPC server."""

from collections.abc import Sequence

import grpc

from services.serving.ports import PortError, host_and_port
from services.serving.server_options import ServerOptions

_OPTIONS: dict[str, int | str] = {
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    # Without this a second server would share the port instead of failing.
    "grpc.so_reuseport": 0,
}


def create_grpc_server(options: ServerOptions, handlers: Sequence[grpc.GenericRpcHandler]) -> grpc.aio.Server:
    """Return a server that listens once it is started.

    Raises:
        PortError: The port can't be listened on.
    """
    address, port = options.flags.bind_address, options.flags.port
    server = grpc.aio.server(
        options=tuple({**_OPTIONS, **dict(options.channel_arguments)}.items()),
        maximum_concurrent_rpcs=options.flags.grpc_max_threads,
    )
    server.add_generic_rpc_handlers(tuple(handlers))
    try:
        server.add_insecure_port(host_and_port(address, port))
    except RuntimeError as error:
        raise PortError(address, port, str(error)) from error
    return server
