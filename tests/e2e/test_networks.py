"""Which services can connect to which, tested with connections from inside the containers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from launcher.ports import free_port
from tests.e2e.docker import docker, inspect
from tests.e2e.stack import SERVICES, Stack
from tests.support.waiting import wait_until

ASK = r"""
exec 3<>"/dev/tcp/$0/$1"
printf '%b\r\n\r\n' "$2" >&3
read -r line <&3
echo "$line"
"""
HEALTH = r"GET /healthz HTTP/1.1\r\nHost: localhost"
ENDPOINTS = {
    "capture": (8001, HEALTH, " 200 "),
    "redis": (6379, "PING", "+PONG"),
    "detector": (8002, HEALTH, " 200 "),
    "serving": (8501, r"GET /v1/models/emotion HTTP/1.1\r\nHost: localhost", " 200 "),
    "gateway": (8000, HEALTH, " 200 "),
}
"""The port of each service, a request, and a text in the first line of its response."""
REACHED = {
    "capture": {"redis"},
    "gateway": {"redis", "detector", "serving"},
    # The reverse direction on the same networks:
    "redis": {"capture", "gateway"},
    "detector": {"gateway"},
    "serving": {"gateway"},
}


def first_line(container: str, address: str, port: int, request: str = "GET / HTTP/1.0") -> str:
    """Send a request from inside a container; return the first line of the response, or an empty string."""
    within_3_s = 'timeout 3 bash -c "$0" "$@" 2>/dev/null || true'
    return docker("exec", container, "bash", "-c", within_3_s, ASK, address, str(port), request)


def addresses(container: str) -> list[str]:
    return [network["IPAddress"] for network in inspect(container)["NetworkSettings"]["Networks"].values()]


def reachable_from(stack: Stack, service: str) -> set[str]:
    """Return the services that respond to a service, at any of their addresses."""

    def answers(other: str) -> bool:
        port, request, answer = ENDPOINTS[other]
        found = (first_line(stack.container(service), at, port, request) for at in addresses(stack.container(other)))
        return any(answer in line for line in found)

    others = [other for other in SERVICES if other != service]
    with ThreadPoolExecutor(len(others)) as pool:
        return {other for other, does in zip(others, pool.map(answers, others), strict=True) if does}


@pytest.mark.parametrize("service", SERVICES)
def test_service_reaches_its_dependencies_only(stack: Stack, service: str) -> None:
    assert reachable_from(stack, service) == REACHED[service]


@pytest.fixture(scope="module")
def outside(stack: Stack) -> Iterator[tuple[str, int]]:
    """Address and port of a server outside the stack, on the host's address in a Docker network."""
    port = free_port()
    host = docker("network", "inspect", f"{stack.project}_edge", "--format", "{{(index .IPAM.Config 0).Gateway}}")
    image = str(inspect(stack.container("gateway"))["Image"])
    command = ["-m", "http.server", str(port), "--bind", host, "--directory", "/tmp"]
    server = docker("run", "--detach", "--rm", "--network=host", "--entrypoint=python", image, *command)
    try:
        wait_until(lambda: first_line(stack.container("gateway"), host, port), "the server to answer", 20)
        yield host, port
    finally:
        docker("kill", server)


@pytest.mark.parametrize(
    ("service", "has_access"), [(service, service in ("capture", "gateway")) for service in SERVICES]
)
def test_only_capture_and_gateway_have_outbound_access(
    stack: Stack, outside: tuple[str, int], service: str, has_access: bool
) -> None:
    assert (" 200 " in first_line(stack.container(service), *outside)) == has_access


@pytest.mark.parametrize("service", ["redis", "detector", "serving"])
def test_host_has_no_address_on_an_internal_network(stack: Stack, service: str) -> None:
    """Otherwise containers could reach servers that listen on all addresses of the host."""
    for network in inspect(stack.container(service))["NetworkSettings"]["Networks"]:
        options = docker("network", "inspect", network, "--format", "{{.Internal}} {{json .Options}}")
        assert options == 'true {"com.docker.network.bridge.inhibit_ipv4":"true"}'
