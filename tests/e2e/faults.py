"""Faults of a service of the stack, and their repair."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.docker import docker, inspect, try_docker
from tests.e2e.stack import Stack
from tests.support.waiting import wait_until


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        name: The action on the container.
        begin: Causes the fault.
        end: Repairs it.
        starts_anew: Whether the service restarts after the repair, which takes additional time.
        lasts_s: How long a test keeps the fault.
    """

    name: str
    begin: Callable[[Stack, str], None]
    end: Callable[[Stack, str], None]
    restarts: bool
    duration_s: float = 3.0


def _command(verb: str) -> Callable[[Stack, str], None]:
    def run(stack: Stack, service: str) -> None:
        docker(verb, stack.container(service))

    return run


def pause(stack: Stack, service: str) -> None:
    """Pause a container; on a busy machine the engine may fail at first."""
    name = stack.container(service)
    wait_until(lambda: try_docker("pause", name), f"{name} to be frozen", 20)


def disconnect(stack: Stack, service: str) -> None:
    """Disconnect a container from its networks; its connections stay open without traffic."""
    for network in networks(stack.container(service)):
        docker("network", "disconnect", network, stack.container(service))


def connect(stack: Stack, service: str) -> None:
    """Reconnect a container under its service name; its address may change."""
    for network in stack.networks_of(service):
        docker("network", "connect", "--alias", service, network, stack.container(service))


def freeze_process(stack: Stack, service: str) -> None:
    """Stop the main process of a container; unlike with a pause, its health check keeps running."""
    children_of_init = "for folder in /proc/[0-9]*; do read -r stat < $folder/stat; set -- ${stat##*) };"
    docker(
        "exec",
        stack.container(service),
        "bash",
        "-c",
        f'{children_of_init} [ "$2" = 1 ] && kill -STOP ${{folder#/proc/}}; done; true',
    )


def networks(container: str) -> list[str]:
    """Return the networks of a container."""
    return list(inspect(container)["NetworkSettings"]["Networks"])


KILL = Fault("kill", _command("kill"), _command("start"), restarts=True)
STOP = Fault("stop", _command("stop"), _command("start"), restarts=True)
PAUSE = Fault("pause", pause, _command("unpause"), restarts=False, duration_s=5.0)
DISCONNECT = Fault("disconnect", disconnect, connect, restarts=False)
FAULTS = (KILL, STOP, PAUSE, DISCONNECT)
