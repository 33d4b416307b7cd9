import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from services.capture.app import STOP_CAMERAS_S, create_app
from services.capture.settings import CaptureSettings
from services.capture.sources.base import Frame, FrameSource, SourceError
from services.capture.sources.spec import SourceSpec
from services.runtime.app import ServiceContext
from services.runtime.settings import load_settings
from tests.support.waiting import wait_until
from tests.unit.capture.fakes import FakePublisher, FakeSource, make_frame


def live() -> Iterator[Frame]:
    while True:
        time.sleep(0.02)
        yield make_frame(grabbed_at=time.monotonic())


def open_even(source: SourceSpec) -> FrameSource:
    """Webcams of even numbers exist."""
    if int(source.value) % 2:
        raise SourceError(f"there is no /dev/video{source.value}")
    return FakeSource(live())


@asynccontextmanager
async def capture(
    monkeypatch: pytest.MonkeyPatch, cameras: str, publisher: FakePublisher
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setenv("EMOTION_CAPTURE_CAMERAS", cameras)
    monkeypatch.setenv("EMOTION_CAPTURE_RECONNECT_MIN_S", "0.01")
    app = create_app(load_settings(CaptureSettings), ServiceContext(), publisher, open_even)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        yield client


async def test_a_camera_that_is_away_degrades_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = FakePublisher()
    async with capture(monkeypatch, "good=0,away=1", publisher) as client:
        wait_until(lambda: len(publisher.messages) > 3, "frames")
        answer = await client.get("/readyz")
    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "degraded")
    assert body["dependencies"]["camera:good"]["ok"]
    assert "there is no /dev/video1" in body["dependencies"]["camera:away"]["detail"]
    assert body["dependencies"]["cameras"]["detail"] == "1 of 2 online"
    assert {camera for camera, _ in publisher.messages} == {"good"}


async def test_without_any_camera_it_is_unready(monkeypatch: pytest.MonkeyPatch) -> None:
    async with capture(monkeypatch, "a=1,b=3", FakePublisher()) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["dependencies"]["cameras"] == {
        "ok": False,
        "required": True,
        "detail": "no camera is online",
    }


async def test_without_redis_it_lives_and_is_unready(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = FakePublisher()
    publisher.failing = True
    async with capture(monkeypatch, "a=0", publisher) as client:
        assert (await client.get("/healthz")).status_code == 200
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["dependencies"]["redis"]["detail"] == "ConnectionError: refused"


async def test_metrics_tell_each_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = FakePublisher()
    async with capture(monkeypatch, "good=0,away=1", publisher) as client:
        wait_until(lambda: len(publisher.messages) > 3, "frames")
        text = (await client.get("/metrics")).text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("capture_"))
    assert float(lines['capture_frames_published_total{camera="good"}']) >= 3
    assert float(lines['capture_frames_published_total{camera="away"}']) == 0
    assert float(lines['capture_camera_state{camera="good",state="online"}']) == 1
    assert float(lines['capture_camera_state{camera="away",state="online"}']) == 0
    assert 'capture_frames_dropped_total{camera="good"}' in lines
    assert 'capture_reconnects_total{camera="good"}' in lines
    assert 'capture_fps{camera="good"}' in lines


async def test_the_end_withdraws_the_cameras_and_closes_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = FakePublisher()
    async with capture(monkeypatch, "good=0", publisher):
        wait_until(lambda: publisher.statuses, "a heartbeat")
    assert publisher.statuses == {}
    assert publisher.closed


async def test_many_stuck_cameras_hold_up_the_end_no_longer_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hang(_: SourceSpec) -> FrameSource:
        release.wait(20)
        raise SourceError("late")

    monkeypatch.setenv("EMOTION_CAPTURE_CAMERAS", "a=0,b=1,c=2,d=3")
    app = create_app(load_settings(CaptureSettings), ServiceContext(), FakePublisher(), hang)
    async with app.router.lifespan_context(app):
        started = time.monotonic()
    assert time.monotonic() - started < STOP_CAMERAS_S + 1
    release.set()
