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

Call = Callable[..., Any]


def synchronous(url: str, method: str, *args: Any, api_key: str | None = None, **options: Any) -> Any:
    with EmotionClient(url, api_key, timeout=5) as client:
        return getattr(client, method)(*args, **options)


def asynchronous(url: str, method: str, *args: Any, api_key: str | None = None, **options: Any) -> Any:
    async def run() -> Any:
        async with AsyncEmotionClient(url, api_key, timeout=5) as client:
            response: Awaitable[Any] = getattr(client, method)(*args, **options)
            return await response

    return asyncio.run(run())


@pytest.fixture(params=[synchronous, asynchronous])
def call(request: pytest.FixtureRequest) -> Call:
    """Call a method of one of the two clients."""
    function: Call = request.param
    return function


def test_images_of_every_kind(gateway: ServeGateway, call: Call, tmp_path: Path) -> None:
    services = FakeServices()
    url = gateway(services)
    path = tmp_path / "face.jpg"
    path.write_bytes(b"from a path")
    for image in (b"bytes", path, str(path), io.BytesIO(b"from a file")):
        given = call(url, "predict", image)
        assert isinstance(given.source, UploadSource)
        assert (given.emotion, given.faces[0].box.w, given.model.version) == ("happy", 100, "3")
    assert services.detector.images == [b"bytes", b"from a path", b"from a path", b"from a file"]


def test_a_camera(gateway: ServeGateway, call: Call) -> None:
    url = gateway()
    for given in (call(url, "predict", camera="cam0"), call(url, "predict")):
        assert isinstance(given.source, CameraSource)
        assert given.source.camera == "cam0"
    (camera,) = call(url, "cameras")
    assert (camera.id, camera.state, camera.fps) == ("cam0", "online", 30.0)
    assert call(url, "frame", "cam0").jpeg == b"jpeg"


def test_the_services(gateway: ServeGateway, call: Call) -> None:
    url = gateway(FakeServices(frames=FakeFrames(error=ConnectionError("redis is gone"))))
    services = call(url, "services")
    assert {name: state.ok for name, state in services.items()} == {"redis": False, "detector": True, "model": True}
    readiness = call(url, "readiness")
    assert readiness.status == "degraded"
    assert readiness.dependencies == services


def test_unready_gateway(gateway: ServeGateway, call: Call) -> None:
    url = gateway(FakeServices(detector=FakeDetector(error=ConnectionError("detector is gone"))))
    readiness = call(url, "readiness")
    assert (readiness.status, readiness.dependencies["detector"].detail) == ("unready", "detector is gone")


def test_problems_are_exceptions(gateway: ServeGateway, call: Call) -> None:
    url = gateway()
    with pytest.raises(ImageError, match="empty") as raised:
        call(url, "predict", b"")
    assert (raised.value.status, len(raised.value.request_id)) == (422, 32)
    with pytest.raises(CameraNotFoundError):
        call(url, "frame", "cellar")
    with pytest.raises(RequestError, match=r"frame\.jpg"):
        call(url, "frame", "../services")


def test_a_key(gateway: ServeGateway, call: Call) -> None:
    url = gateway(api_keys="secret")
    with pytest.raises(AccessError):
        call(url, "cameras")
    assert call(url, "cameras", api_key="secret")


def test_rate_limit_is_an_error(gateway: ServeGateway, call: Call) -> None:
    url = gateway(rate_limit="1/minute")
    call(url, "cameras")
    with pytest.raises(RateLimitedError) as raised:
        call(url, "cameras")
    assert raised.value.retry_after is not None


def test_503_is_repeated(gateway: ServeGateway, call: Call) -> None:
    class Recovering(FakeDetector):
        async def detect(self, *args: Any, **near: Any) -> Any:
            self.error = None if self.images else ServiceError(ProblemKind.OVERLOADED, "later", retry_after_s=0)
            return await super().detect(*args, **near)

    services = FakeServices(detector=Recovering())
    assert call(gateway(services), "predict", b"jpeg").emotion == "happy"
    assert services.detector.images == [b"jpeg", b"jpeg"]


def test_permanent_503_is_an_error(gateway: ServeGateway, call: Call) -> None:
    error = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "gone", retry_after_s=0, dependency="detector")
    services = FakeServices(detector=FakeDetector(error=error))
    with pytest.raises(UnavailableError) as raised:
        call(gateway(services), "predict", b"jpeg")
    assert raised.value.dependency == "detector"
    assert len(services.detector.images) == 3


def test_unreachable_gateway(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(UnreachableError, match=f"127.0.0.1:{port}"):
        call(f"http://127.0.0.1:{port}", "cameras")


def test_timeout() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        EmotionClient(f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=0.3) as client,
        pytest.raises(UnreachableError, match="timed out"),
    ):
        client.cameras()


def test_another_server(serve: Callable[[Any], str], call: Call) -> None:
    async def web_page(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"<h1>It works!</h1>"})

    with pytest.raises(UnexpectedResponseError):
        call(serve(web_page), "cameras")


def test_url_with_a_path(serve: Callable[[Any], str], call: Call) -> None:
    requested = []

    async def proxy(scope: Any, __: Any, send: Any) -> None:
        if scope["type"] == "http":
            requested.append(scope["path"])
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body"})

    url = serve(proxy)
    with pytest.raises(EmotionError):
        call(f"{url}/emotions/", "cameras")
    assert requested == ["/emotions/cameras"]
