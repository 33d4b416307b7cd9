import asyncio

import pytest

from services.contracts.problems import ServiceError
from services.gateway.analysis.cameras import CameraAnalyses, CameraFrames
from services.gateway.analysis.pipeline import Pipeline
from services.gateway.analysis.singleflight import SharedCalls
from services.gateway.protocols import Deadline
from services.runtime.limits import ConcurrencyLimit
from tests.support.gateway_fakes import FakeDetector, FakeFrames, FakeModel, frame


def soon() -> Deadline:
    return Deadline.after(60)


async def test_callers_at_the_same_time_share_one_call() -> None:
    shared: SharedCalls[str, int] = SharedCalls()
    calls = 0

    async def work() -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        return calls

    assert await asyncio.gather(*(shared.run("a", work) for _ in range(10))) == [1] * 10
    assert await shared.run("a", work) == 2


async def test_an_error_reaches_all_and_is_forgotten() -> None:
    shared: SharedCalls[str, int] = SharedCalls()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise KeyError("x")

    async def succeed() -> int:
        return 7

    outcomes = await asyncio.gather(*(shared.run("a", fail) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [KeyError] * 3
    assert await shared.run("a", succeed) == 7


async def test_one_who_goes_away_takes_nothing_from_the_others() -> None:
    shared: SharedCalls[str, str] = SharedCalls()
    go = asyncio.Event()

    async def work() -> str:
        await go.wait()
        return "done"

    leaver = asyncio.create_task(shared.run("a", work))
    stayer = asyncio.create_task(shared.run("a", work))
    await asyncio.sleep(0)
    leaver.cancel()
    await asyncio.sleep(0)
    go.set()
    assert await stayer == "done"
    assert leaver.cancelled()


async def test_callers_of_one_camera_cost_one_reading_and_one_analysis() -> None:
    store, detector, model = FakeFrames.with_camera(), FakeDetector(delay_s=0.01), FakeModel()
    store.delay_s = 0.01
    frames = CameraFrames(store, max_age_s=2)
    analyses = CameraAnalyses(Pipeline(detector, model))

    async def predict() -> str:
        _, analysis = await analyses.now("cam0", await frames.newest("cam0", soon()), "id", soon())
        return analysis.faces[0].emotion

    assert await asyncio.gather(*(predict() for _ in range(20))) == ["happy"] * 20
    assert (store.reads, len(detector.images), model.calls) == (1, 1, 1)


async def test_who_comes_with_a_newer_frame_shares_the_analysis_that_runs() -> None:
    detector = FakeDetector(delay_s=0.01)
    analyses = CameraAnalyses(Pipeline(detector, FakeModel()))
    older, newer = frame("1-0", jpeg=b"older"), frame("2-0", jpeg=b"newer")
    answers = await asyncio.gather(*(analyses.now("cam0", each, "id", soon()) for each in (older, newer)))
    assert [answered.frame_id for answered, _ in answers] == ["1-0", "1-0"]
    answered, _ = await analyses.now("cam0", newer, "id", soon())
    assert answered.frame_id == "2-0"
    assert detector.images == [b"older", b"newer"]


async def test_two_cameras_share_nothing() -> None:
    detector = FakeDetector()
    analyses = CameraAnalyses(Pipeline(detector, FakeModel()))
    await asyncio.gather(*(analyses.now(camera, frame(), "id", soon()) for camera in ("a", "b")))
    assert len(detector.images) == 2


async def test_predictions_beyond_the_limit_are_refused_until_one_ends() -> None:
    limit = ConcurrencyLimit(1)
    first = limit()
    await anext(first)
    with pytest.raises(ServiceError) as refused:
        await anext(limit())
    assert refused.value.problem.kind.status == 503
    with pytest.raises(StopAsyncIteration):
        await anext(first)
    await anext(limit())
    assert limit.in_flight == 1
