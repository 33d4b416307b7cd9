from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
import pytest

from services.capture.app import STOP_CAMERAS_S, create_app, stop_cameras
from services.capture.settings import CaptureSettings
from services.capture.sources.base import FrameSource, SourceError
from services.capture.sources.spec import SourceSpec
from services.runtime.app import ServiceContext
from services.runtime.settings import load_settings
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until
from tests.unit.capture.fakes import FakePublisher, FakeSource, make_frame


class Webcams:
    """Webcams of even numbers exist; each delivers one frame."""

    def __init__(self) -> None:
        self.sources: list[FakeSource] = []

    def __call__(self, source: SourceSpec) -> FrameSource:
        if int(source.value) % 2:
            raise SourceError(f"/dev/video{source.value} does not exist")
        self.sources.append(FakeSource(make_frame()))
        return self.sources[-1]


@asynccontextmanager
async def capture(
    monkeypatch: pytest.MonkeyPatch, cameras: str, publisher: FakePublisher
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setenv("EMOTION_CAPTURE_CAMERAS", cameras)
    monkeypatch.setenv("EMOTION_CAPTURE_RECONNECT_MIN_S", "0.01")
    webcams = Webcams()
    app = create_app(load_settings(CaptureSettings), ServiceContext(), publisher, webcams)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        try:
            yield client
        finally:
            for source in webcams.sources:
                source.feed(make_frame(), SourceError("released"))


async def test_missing_camera_degrades_and_the_others_continue(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = FakePublisher()
    async with capture(monkeypatch, "good=0,away=1", publisher) as client:
        wait_until(lambda: publisher.messages, "a frame")
        answer = await client.get("/readyz")
    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "degraded")
    assert body["dependencies"]["camera:good"]["ok"]
    assert "/dev/video1 does not exist" in body["dependencies"]["camera:away"]["detail"]
    assert body["dependencies"]["cameras"]["detail"] == "1 of 2 online"
    assert {camera for camera, _ in publisher.messages} == {"good"}


async def test_unready_without_any_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    async with capture(monkeypatch, "a=1,b=3", FakePublisher()) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["dependencies"]["cameras"] == {
        "ok": False,
        "required": True,
        "detail": "no camera is online",
    }


async def test_alive_and_unready_without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = FakePublisher()
    publisher.failing = True
    async with capture(monkeypatch, "a=0", publisher) as client:
        assert (await client.get("/healthz")).status_code == 200
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["dependencies"]["redis"]["detail"] == "connection refused"


async def test_metrics_of_each_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = FakePublisher()
    async with capture(monkeypatch, "good=0,away=1", publisher) as client:
        wait_until(lambda: publisher.messages, "a frame")
        text = (await client.get("/metrics")).text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("capture_"))
    assert float(lines['capture_frames_published_total{camera="good"}']) >= 1
    assert float(lines['capture_frames_published_total{camera="away"}']) == 0
    assert float(lines['capture_camera_state{camera="good",state="online"}']) == 1
    assert float(lines['capture_camera_state{camera="away",state="online"}']) == 0
    assert 'capture_frames_dropped_total{camera="good"}' in lines
    assert 'capture_reconnects_total{camera="good"}' in lines
    assert 'capture_fps{camera="good"}' in lines


async def test_shutdown_deletes_the_statuses_and_closes_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = FakePublisher()
    async with capture(monkeypatch, "good=0", publisher):
        wait_until(lambda: publisher.statuses, "a heartbeat")
    assert publisher.statuses == {}
    assert publisher.closed


def test_many_stuck_cameras_delay_shutdown_no_longer_than_one() -> None:
    clock = FakeClock()

    class StuckCamera:
        """Takes all the time that it gets to stop."""

        stopping = False

        def begin_stop(self) -> None:
            self.stopping = True

        def join(self, timeout_s: float) -> None:
            assert all(camera.stopping for camera in cameras)
            clock.advance(timeout_s)

    cameras = [StuckCamera() for _ in range(4)]
    started_s = clock()
    stop_cameras(cast(Any, cameras), clock)
    assert clock() - started_s == STOP_CAMERAS_S
