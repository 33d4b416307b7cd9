from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings
from services.runtime.app import ServiceContext
from tests.support.gateway_fakes import FakeServices

Gateway = Callable[..., TestClient]


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """Starts a gateway over fakes; keyword arguments are its settings."""
    with ExitStack() as stack:

        def start(services: FakeServices | None = None, **settings: object) -> TestClient:
            named = {"allowed_hosts": "testserver", **settings}  # the name that the test client calls every server by
            app = create_app(GatewaySettings.model_validate(named), ServiceContext(), (services or FakeServices()).open)
            return stack.enter_context(TestClient(app, raise_server_exceptions=False))

        yield start
