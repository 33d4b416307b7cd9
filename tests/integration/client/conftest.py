from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings
from services.runtime.app import ServiceContext
from tests.integration.client.served import served
from tests.support.gateway_fakes import FakeServices

Serve = Callable[[Any], str]
ServeGateway = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves applications over real sockets, and returns their addresses."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(served(app))


@pytest.fixture
def gateway(serve: Serve) -> ServeGateway:
    """Starts a gateway over fakes; keyword arguments are its settings."""

    def start(services: FakeServices | None = None, **settings: object) -> str:
        open_clients = (services or FakeServices()).open
        return serve(create_app(GatewaySettings.model_validate(settings), ServiceContext(), open_clients))

    return start
