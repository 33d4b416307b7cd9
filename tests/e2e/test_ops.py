"""``compose.ops.yml``: health and metrics on the loopback address, and no new connections between services."""

from collections.abc import Iterator

import httpx
import pytest

from launcher.ports import free_port
from tests.e2e.docker import docker
from tests.e2e.stack import Stack
from tests.e2e.test_networks import ENDPOINTS, reachable_from

PORTS = {service: free_port() for service in ("capture", "detector", "serving")}


@pytest.fixture(scope="module")
def published(stack: Stack) -> Iterator[Stack]:
    settings = {f"EMOTION_COMPOSE_{service.upper()}_PORT": str(port) for service, port in PORTS.items()}
    ops = Stack(stack.project, ("compose.ops.yml",), settings)
    ops.up()
    yield ops
    stack.up()
    docker("network", "rm", f"{stack.project}_ops-detector", f"{stack.project}_ops-serving")


@pytest.mark.parametrize("service", PORTS)
def test_port_responds_on_loopback(published: Stack, service: str) -> None:
    path = ENDPOINTS[service][1].split(" ")[1]
    assert published.is_ready(service)
    assert httpx.get(f"http://127.0.0.1:{PORTS[service]}{path}", trust_env=False).status_code == 200


@pytest.mark.parametrize("service", ["detector", "serving"])
def test_published_service_reaches_the_gateway_only(published: Stack, service: str) -> None:
    assert reachable_from(published, service) == {"gateway"}
