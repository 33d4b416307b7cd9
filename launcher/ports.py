"""Ports of this machine."""

import socket

from launcher.errors import PrerequisiteError

LOOPBACK = "127.0.0.1"


def require_free(port: int, service: str, setting: str, host: str = LOOPBACK) -> None:
    """Make sure that a service can listen on a port.

    Raises:
        PrerequisiteError: Another program holds it.
    """
    with socket.socket() as probe:
        # As servers do, so that a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PrerequisiteError(
                f"Port {port}, on which {service} would listen, can't be used ({error.strerror}): "
                f"stop the program that holds it, or set {setting} to another port."
            ) from error


def free_port() -> int:
    """Return a port that nobody holds now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
