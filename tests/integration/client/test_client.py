import asyncio
import io
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emotion_client import (
    AccessError,
    AsyncEmotionClient,
    CameraNotFoundError,
    CameraSource,
    EmotionClient,
    EmotionError,
    ImageError,
    RateLimitedError,
    RequestError,
    UnavailableError,
    UnexpectedResponseError,
    UnreachableError,
    UploadSource,
)
from services.contracts.problems import ProblemKind, ServiceError
from tests.integration.client.conftest import ServeGateway
from tests.support.gateway_fakes import FakeDetector, FakeFrames, FakeServices

Ask = Callable[..., Any]


def plainly(url: str, method: str, *args: Any, api_key: str | None = None, **options: Any) -> Any:
    with EmotionClient(url, api_key, timeout=5) as client:
        return getattr(client, method)(*args, **options)


def with_await(url: str, method: str, *args: Any, api_key: str | None = None, **options: Any) -> Any:
    async def asking() -> Any:
        async with AsyncEmotionClient(url, api_key, timeout=5) as client:
            answer: Awaitable[Any] = getattr(client, method)(*args, **options)
            return await answer

    return asyncio.run(asking())


@pytest.fixture(params=[plainly, with_await])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Asks by one of the two clients."""
    asks: Ask = request.param
    return asks


def test_images_of_every_kind(gateway: ServeGateway, ask: Ask, tmp_path: Path) -> None:
    services = FakeServices()
    url = gateway(services)
    path = tmp_path / "face.jpg"
    path.write_bytes(b"from a path")
    for image in (b"bytes", path, str(path), io.BytesIO(b"from a file")):
        given = ask(url, "predict", image)
        assert isinstance(given.source, UploadSource)
        assert (given.emotion, given.faces[0].box.w, given.model.version) == ("happy", 100, "3")
    assert services.detector.images == [b"bytes", b"from a path", b"from a path", b"from a file"]


def test_a_camera(gateway: ServeGateway, ask: Ask) -> None:
    url = gateway()
    for given in (ask(url, "predict", camera="cam0"), ask(url, "predict")):
        assert isinstance(given.source, CameraSource)
        assert given.source.camera == "cam0"
    (camera,) = ask(url, "cameras")
    assert (camera.id, camera.state, camera.fps) == ("cam0", "online", 30.0)
    assert ask(url, "frame", "cam0").jpeg == b"jpeg"


def test_the_services(gateway: ServeGateway, ask: Ask) -> None:
    url = gateway(FakeServices(frames=FakeFrames(error=ConnectionError("redis is gone"))))
    services = ask(url, "services")
    assert {name: state.ok for name, state in services.items()} == {"redis": False, "detector": True, "model": True}
    readiness = ask(url, "readiness")
    assert readiness.status == "degraded"
    assert readiness.dependencies == services


def test_unready_gateway(gateway: ServeGateway, ask: Ask) -> None:
    url = gateway(FakeServices(detector=FakeDetector(error=ConnectionError("detector is gone"))))
    readiness = ask(url, "readiness")
    assert (readiness.status, readiness.dependencies["detector"].detail) == ("unready", "detector is gone")


def test_problems_are_exceptions(gateway: ServeGateway, ask: Ask) -> None:
    url = gateway()
    with pytest.raises(ImageError, match="empty") as raised:
        ask(url, "predict", b"")
    assert (raised.value.status, len(raised.value.request_id)) == (422, 32)
    with pytest.raises(CameraNotFoundError):
        ask(url, "frame", "cellar")
    with pytest.raises(RequestError, match=r"frame\.jpg"):
        ask(url, "frame", "../services")


def test_a_key(gateway: ServeGateway, ask: Ask) -> None:
    url = gateway(api_keys="secret")
    with pytest.raises(AccessError):
        ask(url, "cameras")
    assert ask(url, "cameras", api_key="secret")


def test_rate_limit_is_an_error(gateway: ServeGateway, ask: Ask) -> None:
    url = gateway(rate_limit="1/minute")
    ask(url, "cameras")
    with pytest.raises(RateLimitedError) as raised:
        ask(url, "cameras")
    assert raised.value.retry_after is not None


def test_503_is_repeated(gateway: ServeGateway, ask: Ask) -> None:
    class Recovering(FakeDetector):
        async def detect(self, *args: Any, **near: Any) -> Any:
            self.error = None if self.images else ServiceError(ProblemKind.OVERLOADED, "later", retry_after_s=0)
            return await super().detect(*args, **near)

    services = FakeServices(detector=Recovering())
    assert ask(gateway(services), "predict", b"jpeg").emotion == "happy"
    assert services.detector.images == [b"jpeg", b"jpeg"]


def test_permanent_503_is_an_error(gateway: ServeGateway, ask: Ask) -> None:
    error = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "gone", retry_after_s=0, dependency="detector")
    services = FakeServices(detector=FakeDetector(error=error))
    with pytest.raises(UnavailableError) as raised:
        ask(gateway(services), "predict", b"jpeg")
    assert raised.value.dependency == "detector"
    assert len(services.detector.images) == 3


def test_unreachable_gateway(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(UnreachableError, match=f"127.0.0.1:{port}"):
        ask(f"http://127.0.0.1:{port}", "cameras")


def test_timeout() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        EmotionClient(f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=0.3) as client,
        pytest.raises(UnreachableError, match="timed out"),
    ):
        client.cameras()


def test_another_server(serve: Callable[[Any], str], ask: Ask) -> None:
    async def web_page(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"<h1>It works!</h1>"})

    with pytest.raises(UnexpectedResponseError):
        ask(serve(web_page), "cameras")


def test_url_with_a_path(serve: Callable[[Any], str], ask: Ask) -> None:
    asked = []

    async def proxy(scope: Any, __: Any, send: Any) -> None:
        if scope["type"] == "http":
            asked.append(scope["path"])
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body"})

    url = serve(proxy)
    with pytest.raises(EmotionError):
        ask(f"{url}/emotions/", "cameras")
    assert asked == ["/emotions/cameras"]
