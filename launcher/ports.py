"""TCP ports of this machine."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from launcher.errors import PrerequisiteError

LOOPBACK = "127.0.0.1"
_ALL_ADDRESSES = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound


@dataclass(frozen=True)
class Listener:
    """A process that is going to listen.

    Attributes:
        name: The process, for error messages.
        setting: The variable that sets the port.
        port: The port.
        host: The address.
    """

    name: str
    setting: str
    port: int
    host: str = LOOPBACK


def require_ports(listeners: Sequence[Listener]) -> None:
    """Check that all listeners can bind.

    Raises:
        PrerequisiteError: A port is used twice, is 0, or is in use by another program.
    """
    seen: dict[int, Listener] = {}
    for listener in listeners:
        if listener.port == 0:
            raise PrerequisiteError(f"{listener.setting}=0 can't be used here: {listener.name} needs a fixed port.")
        if listener.port in seen:
            raise PrerequisiteError(
                f"{listener.setting} and {seen[listener.port].setting} are both {listener.port}: change one of them."
            )
        seen[listener.port] = listener
        _require_free(listener)


def local_address(host: str) -> str:
    """Return the address at which this machine reaches a process that listens on ``host``."""
    return LOOPBACK if host in _ALL_ADDRESSES else host


def free_port() -> int:
    """Return a port that is free now."""
    (port,) = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """Return different ports that are free now. Two calls of ``free_port`` may return the same port."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _require_free(listener: Listener) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As servers do, so that a port in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise PrerequisiteError(
            f"Port {listener.port} of {listener.name} can't be used ({error.strerror}): "
            f"stop the program that uses it, or set {listener.setting} to another port."
        ) from error
