"""Predictions for cameras: one reading and one analysis of a frame for all clients, cached without pictures."""

import asyncio
from time import monotonic

import pytest

from services.contracts.frames import FRAMES_TTL_S
from services.contracts.prediction import CameraSource, Prediction
from services.gateway.analysis.cameras import (
    LIST_TTL_S,
    MAX_CACHED_ANALYSES,
    CameraPredictor,
    CameraService,
    LiveResult,
)
from services.gateway.analysis.pipeline import Pipeline
from services.gateway.protocols import Deadline, Frame, KnownCamera
from tests.support.gateway_fakes import ONLINE, FakeDetector, FakeFrames, FakeModel, frame


class NoSessions:
    """``LiveResults`` without a session; it records polls."""

    def __init__(self) -> None:
        self.polls: list[tuple[str, str]] = []

    def cached(self, _: str) -> LiveResult | None:
        return None

    async def wait_for(self, *_: object) -> LiveResult | None:
        return None

    def record_poll(self, camera: str, frame_id: str) -> None:
        self.polls.append((camera, frame_id))


class Cameras:
    """A predictor over fakes."""

    def __init__(self, *names: str, delay_s: float = 0.0) -> None:
        self.store = FakeFrames({name: KnownCamera(name, ONLINE, frame()) for name in names})
        self.store.delay_s = delay_s
        self.detector, self.model, self.live = FakeDetector(delay_s=delay_s), FakeModel(), NoSessions()
        self.service = CameraService(self.store, max_frame_age_s=1e6)
        self.ahead_s = 0.0
        pipeline = Pipeline(self.detector, self.model)
        self.predictor = CameraPredictor(self.service, pipeline, self.live, lambda: monotonic() + self.ahead_s)

    def send(self, camera: str, newest: Frame) -> None:
        self.store.cameras[camera] = KnownCamera(camera, ONLINE, newest)

    async def predict(self, camera: str | None = "cam0") -> Prediction:
        return await self.predictor.predict(camera, "id", Deadline.after(60))


def frame_id(prediction: Prediction) -> str:
    assert isinstance(prediction.source, CameraSource)
    return prediction.source.frame_id


async def test_a_frame_is_analysed_once() -> None:
    cameras = Cameras("cam0")
    assert [frame_id(await cameras.predict()) for _ in range(2)] == [frame().frame_id] * 2
    assert len(cameras.detector.images) == 1
    assert cameras.live.polls == [("cam0", frame().frame_id)] * 2


async def test_the_only_camera_needs_no_name() -> None:
    prediction = await Cameras("door").predict(None)
    assert isinstance(prediction.source, CameraSource)
    assert prediction.source.camera == "door"


async def test_concurrent_requests_for_a_camera_cost_one_reading_and_one_analysis() -> None:
    cameras = Cameras("cam0", delay_s=0.01)
    predictions = await asyncio.gather(*(cameras.predict() for _ in range(20)))
    assert [prediction.emotion for prediction in predictions] == ["happy"] * 20
    assert (cameras.store.reads, len(cameras.detector.images), cameras.model.calls) == (1, 1, 1)


async def test_a_request_with_a_newer_frame_shares_the_running_analysis() -> None:
    cameras = Cameras("cam0")
    cameras.detector.delay_s = 0.01
    cameras.send("cam0", frame("1-0", jpeg=b"older"))
    running = asyncio.create_task(cameras.predict())
    for _ in range(20):
        await asyncio.sleep(0)
    cameras.send("cam0", frame("2-0", jpeg=b"newer"))
    assert {frame_id(answer) for answer in await asyncio.gather(running, cameras.predict())} == {"1-0"}
    assert frame_id(await cameras.predict()) == "2-0"
    assert cameras.detector.images == [b"older", b"newer"]


async def test_cameras_share_nothing() -> None:
    cameras = Cameras("a", "b")
    await asyncio.gather(cameras.predict("a"), cameras.predict("b"))
    assert len(cameras.detector.images) == 2


async def test_the_number_of_cached_analyses_is_limited() -> None:
    names = [f"cam{number}" for number in range(MAX_CACHED_ANALYSES + 1)]
    cameras = Cameras(*names)
    for name in names:
        await cameras.predict(name)
    for name, analyses in ((names[-1], 0), (names[1], 0), (names[0], 1)):
        cameras.detector.images.clear()
        await cameras.predict(name)
        assert len(cameras.detector.images) == analyses, name


@pytest.mark.parametrize(("age_s", "analyses"), [(0, 0), (2 * FRAMES_TTL_S, 1)])
async def test_an_analysis_older_than_frames_in_redis_is_dropped_with_the_next(age_s: float, analyses: int) -> None:
    cameras = Cameras("cam0", "cam1")
    await cameras.predict("cam0")
    cameras.ahead_s = age_s
    await cameras.predict("cam1")
    cameras.detector.images.clear()
    await cameras.predict("cam0")
    assert len(cameras.detector.images) == analyses


async def test_the_list_of_cameras_is_cached_for_a_moment() -> None:
    now_s = 100.0
    store = FakeFrames.with_camera()
    service = CameraService(store, max_frame_age_s=2.0, clock=lambda: now_s)
    first = await service.list_cameras(Deadline.after(60))
    store.cameras.clear()
    assert await service.list_cameras(Deadline.after(60)) == first
    now_s += LIST_TTL_S
    assert await service.list_cameras(Deadline.after(60)) == []
