"""Ports of this machine."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from launcher.errors import PrerequisiteError

LOOPBACK = "127.0.0.1"
_EVERYWHERE = ("0.0.0.0", "::", "")


@dataclass(frozen=True)
class Listener:
    """A process that will listen.

    Attributes:
        name: The process, for people.
        setting: The variable that sets its port.
        port: The port.
        host: The address.
    """

    name: str
    setting: str
    port: int
    host: str = LOOPBACK


def require_ports(listeners: Sequence[Listener]) -> None:
    """Make sure that all can listen.

    Raises:
        PrerequisiteError: Two have the same port, one has none, or another program holds it.
    """
    seen: dict[int, Listener] = {}
    for listener in listeners:
        if listener.port == 0:
            raise PrerequisiteError(f"{listener.setting}=0 can't be used here: {listener.name} needs a known port.")
        if listener.port in seen:
            raise PrerequisiteError(
                f"{listener.setting} and {seen[listener.port].setting} are both {listener.port}: change one."
            )
        seen[listener.port] = listener
        _require_free(listener)


def reachable(host: str) -> str:
    """Return an address at which a process that listens on ``host`` is reached from this machine."""
    return LOOPBACK if host in _EVERYWHERE else host


def free_port() -> int:
    """Return a port that nobody holds now."""
    (port,) = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """Return so many different ports that nobody holds now; asked for one by one, two may be the same."""
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
            # As servers do, so that a port in TIME_WAIT counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise PrerequisiteError(
            f"Port {listener.port}, on which {listener.name} would listen, can't be used ({error.strerror}): "
            f"stop the program that holds it, or set {listener.setting} to another port."
        ) from error
