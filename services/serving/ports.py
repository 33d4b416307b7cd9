"""Claims ports before TensorFlow is imported, so that a taken one is told at once."""

import errno
import os
import socket
import stat
from contextlib import suppress


class PortError(OSError):
    """A port or a socket can't be listened on; the message is one sentence."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"Cannot listen on {place}: {reason}.")


def host_and_port(address: str, port: int) -> str:
    """Return both as one text, with the brackets that an IPv6 address needs."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def listen(address: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        PortError: The port is taken, or the address isn't one of this machine.
    """
    try:
        family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((address, port), family=family, backlog=128)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]  # Python repeats the address there
        raise PortError(host_and_port(address, port), reason) from error


def claim_socket_path(path: str) -> None:
    """Make sure that a Unix socket can be listened on, and remove one that nothing listens on any more.

    Raises:
        PortError: Another program listens on it, or the path is taken by something else or can't be written.
    """
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)
        raise PortError(path, os.strerror(errno.EADDRINUSE))
    except FileNotFoundError:
        pass
    except ConnectionRefusedError:  # a socket that was left behind, or a file of another kind
        _remove_socket(path)
    except PortError:
        raise
    except OSError as error:
        raise PortError(path, error.strerror or str(error)) from error
    _try_to_bind(path)


def _remove_socket(path: str) -> None:
    if not stat.S_ISSOCK(os.stat(path, follow_symlinks=False).st_mode):
        raise PortError(path, "it is no socket")
    with suppress(OSError):  # binding tells
        os.unlink(path)


def _try_to_bind(path: str) -> None:
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(path)
        os.unlink(path)
    except OSError as error:
        raise PortError(path, error.strerror or str(error)) from error
