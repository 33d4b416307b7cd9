from collections.abc import Iterator

import httpx
import pytest

from launcher.ports import free_port
from services.gateway.settings import CompatApi
from tests.support import images
from tests.support.processes import ModuleProcess
from tests.support.stack import Stack

KEY = "KEY"


@pytest.fixture(scope="session")
def compat_gateway(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A gateway that speaks every compatible API, in front of the stack's detector and model; it has a key."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        **stack.gateway_settings,
        "EMOTION_GATEWAY_PORT": str(port),
        "EMOTION_GATEWAY_API_KEYS": KEY,
        "EMOTION_GATEWAY_COMPAT_APIS": ",".join(CompatApi),
    }
    log = tmp_path_factory.mktemp("compat_gateway") / "gateway.log"
    headers = {"X-API-Key": KEY}
    with (
        ModuleProcess("services.gateway", log, settings) as gateway,
        httpx.Client(base_url=url, headers=headers, timeout=20, trust_env=False) as client,
    ):
        gateway.wait_until_answers(f"{url}/readyz")
        yield client
        assert "Traceback" not in gateway.log()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other products' clients would ask a proxy of the environment for 127.0.0.1."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def smile() -> bytes:
    return images.encode(images.one_face())


@pytest.fixture(scope="session")
def no_face() -> bytes:
    return images.encode(images.no_face())
