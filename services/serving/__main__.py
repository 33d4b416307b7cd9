"""``python -m services.serving --model_base_path=FOLDER``: serves models over gRPC and REST."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType

import services.serving.grpc_environment  # noqa: F401 - before anything that imports grpc
from services.runtime.logs import configure_logging
from services.runtime.shutdown import ShutdownState
from services.serving.flag_parser import FlagError
from services.serving.flags import Flags, asks_for_version, parse_flags
from services.serving.ports import PortError, claim_socket_path, listen
from services.serving.server_options import read_options
from services.serving.version import version_text


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit status."""
    _on_signals(lambda *_: os._exit(0))  # there is nothing to finish yet
    if asks_for_version(sys.argv[1:]):
        print(version_text(), flush=True)  # noqa: T201 - what a command line is asked for
        return 0
    try:
        options = read_options(parse_flags(sys.argv[1:]))
        rest_socket = _claim_ports(options.flags)
    except FlagError as error:
        return _leave(error, 2)
    except PortError as error:
        return _leave(error, 1)
    configure_logging("serving", "INFO", "text")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from services.serving.server import run  # imports TensorFlow, which reads the line above and takes seconds

    shutdown = ShutdownState()
    _on_signals(lambda *_: _stop(shutdown))
    try:
        run(options, rest_socket, shutdown)
    except PortError as error:
        return _leave(error, 1)
    return 0


def _claim_ports(flags: Flags) -> socket.socket | None:
    if flags.grpc_socket_path:
        claim_socket_path(flags.grpc_socket_path)
    if flags.port:
        listen(flags.bind_address, flags.port).close()  # gRPC opens it again by itself
    return listen(flags.bind_address, flags.rest_api_port) if flags.rest_api_port else None


def _on_signals(handle: Callable[[int, FrameType | None], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


def _stop(shutdown: ShutdownState) -> None:
    """Begin to stop on the first signal, and leave at once on a second one."""
    if shutdown.started:
        os._exit(0)
    shutdown.start()


def _leave(error: Exception, status: int) -> int:
    print(error, file=sys.stderr)  # noqa: T201 - what a command line says to its caller
    return status


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    # A thread that still computes, or loads a model, must not hold the process up.
    os._exit(status)
