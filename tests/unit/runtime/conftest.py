from collections.abc import AsyncIterator

import httpx
import pytest

from services.runtime.app import Plumbing
from tests.tiny_service import TinySettings, create_app


@pytest.fixture
def plumbing() -> Plumbing:
    return Plumbing()


@pytest.fixture
async def client(plumbing: Plumbing) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(TinySettings(), plumbing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tiny") as opened:
        yield opened
