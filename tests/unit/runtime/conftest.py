from collections.abc import AsyncIterator

import httpx
import pytest

from services.runtime.app import ServiceContext
from tests.support.clock import FakeClock
from tests.support.tiny_service import TinySettings, create_app


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def context(clock: FakeClock) -> ServiceContext:
    return ServiceContext(clock=clock)


@pytest.fixture
async def client(context: ServiceContext) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(TinySettings.model_validate({"allowed_hosts": "tiny"}), context)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tiny") as opened:
        yield opened
