"""Claims ports before TensorFlow is imported, so that a taken one is told at once."""

import socket


class PortError(OSError):
    """A port can't be listened on; the message is one sentence."""

    def __init__(self, address: str, port: int, reason: str) -> None:
        super().__init__(f"Cannot listen on {host_and_port(address, port)}: {reason}.")


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
        raise PortError(address, port, reason) from error
