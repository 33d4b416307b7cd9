"""Ways in which a service of the stack can fail, and return."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.docker import docker, inspect, try_docker
from tests.e2e.stack import Stack
from tests.support.waiting import wait_until


@dataclass(frozen=True)
class Fault:
    """One way.

    Attributes:
        name: What is done to the container.
        begin: Does it.
        end: Undoes it.
        starts_anew: Whether the service starts from nothing then, which takes a time of its own.
        lasts_s: How long a test lets it last.
    """

    name: str
    begin: Callable[[Stack, str], None]
    end: Callable[[Stack, str], None]
    starts_anew: bool
    lasts_s: float = 3.0


def _command(verb: str) -> Callable[[Stack, str], None]:
    def run(stack: Stack, service: str) -> None:
        docker(verb, stack.container(service))

    return run


def pause(stack: Stack, service: str) -> None:
    """Freeze a container; on a busy machine the engine may say that it can't, and can a moment later."""
    name = stack.container(service)
    wait_until(lambda: try_docker("pause", name), f"{name} to be frozen", 20)


def disconnect(stack: Stack, service: str) -> None:
    """Take a container off all its networks; its connections aren't ended, they fall silent."""
    for network in networks(stack.container(service)):
        docker("network", "disconnect", network, stack.container(service))


def connect(stack: Stack, service: str) -> None:
    """Put it back, under the name that the others know; its address may be another one."""
    for network in stack.networks_of(service):
        docker("network", "connect", "--alias", service, network, stack.container(service))


def freeze_process(stack: Stack, service: str) -> None:
    """Freeze a container's own process; other than with a pause its health check goes on."""
    children_of_init = "for folder in /proc/[0-9]*; do read -r stat < $folder/stat; set -- ${stat##*) };"
    docker(
        "exec",
        stack.container(service),
        "bash",
        "-c",
        f'{children_of_init} [ "$2" = 1 ] && kill -STOP ${{folder#/proc/}}; done; true',
    )


def networks(container: str) -> list[str]:
    """Return the networks that a container is on."""
    return list(inspect(container)["NetworkSettings"]["Networks"])


KILL = Fault("kill", _command("kill"), _command("start"), starts_anew=True)
STOP = Fault("stop", _command("stop"), _command("start"), starts_anew=True)
PAUSE = Fault("pause", pause, _command("unpause"), starts_anew=False, lasts_s=5.0)
DISCONNECT = Fault("disconnect", disconnect, connect, starts_anew=False)
FAULTS = (KILL, STOP, PAUSE, DISCONNECT)
