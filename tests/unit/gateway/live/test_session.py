"""A camera's session: the order of its steps, and recovery from failures."""

import asyncio

import pytest

from services.contracts.detection import SearchScope
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.live.search import FULL_SEARCH_INTERVAL_S
from services.gateway.protocols import KnownCamera
from tests.support.clock import FakeClock
from tests.support.gateway_fakes import ONLINE
from tests.support.live_harness import (
    FACE,
    OTHER_FACE,
    eventually,
    frame_id,
    live_harness,
    next_object,
    next_status,
    number_of,
    result_of,
)

DOWN = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down", dependency="detector")


async def test_frame_is_analysed_once_for_all_subscribers() -> None:
    async with live_harness() as harness:
        with (
            harness.live.subscribe("cam0", None, None) as a,
            harness.live.subscribe("cam0", None, None) as b,
            harness.live.subscribe("cam0", None, None) as c,
        ):
            for number in range(6):
                results = await harness.show_and_see(number, a, b, c)
                assert results[0] == results[1] == results[2]
        assert harness.model.calls == 6


async def test_result_is_a_prediction_with_ids_and_smoothed_probabilities() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as viewer:
            first = await result_of(viewer, 0)
            (second,) = await harness.show_and_see(1, viewer)
    assert first["source"]["camera"] == "cam0"
    assert first["source"]["age_ms"] >= 40
    assert first["emotion"] == first["faces"][0]["emotion"] == "happy"
    assert first["faces"][0]["face_id"] == second["faces"][0]["face_id"] is not None
    assert sum(second["faces"][0]["smoothed"].values()) == pytest.approx(1)
    assert first["dropped"] == {"detect": 0, "infer": 0, "viewer": 0}
    assert first["timings_ms"]["total"] >= first["timings_ms"]["detect"]


async def test_next_frame_is_searched_around_known_faces() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            await harness.show_and_see(1, viewer)
    assert harness.detector.requests[0] == (b"jpeg 0", ())
    assert (b"jpeg 1", (FACE,)) in harness.detector.requests


async def test_new_face_is_found_without_a_full_search_of_each_frame() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            harness.detector.boxes.append(OTHER_FACE)
            number, seen = 0, 1
            while seen < 2:
                number += 1
                (result,) = await harness.show_and_see(number, viewer)
                seen = len(result["faces"])
                await asyncio.sleep(0.01)
                assert number < 1000
            assert harness.detector.full_searches < number


async def test_frame_is_detected_while_the_previous_one_is_inferred() -> None:
    async with live_harness() as harness:
        harness.model.gate.clear()
        with harness.live.subscribe("cam0", None, None) as viewer:
            await eventually(lambda: harness.detector.requests, "the first frame to be detected")
            harness.show(1)
            await eventually(lambda: len(harness.detector.requests) > 1, "the second, though the first isn't inferred")
            harness.model.gate.set()
            assert [number_of(await next_object(viewer)) for _ in range(2)] == [0, 1]


async def test_newest_waiting_frame_wins_and_drops_are_counted() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            harness.detector.gate.clear()
            sent = len(harness.detector.requests)
            harness.show(1)
            await eventually(lambda: len(harness.detector.requests) > sent, "the detector to be busy")
            for number in (2, 3, 4):
                read = harness.store.handed_out
                harness.show(number)
                await eventually(lambda: harness.store.handed_out > read, "the frame to be read")  # noqa: B023
            harness.detector.gate.set()
            results = [await next_object(viewer)]
            while number_of(results[-1]) != 4:
                results.append(await next_object(viewer))
        assert sum(result["dropped"]["detect"] for result in results) == 2
        assert harness.metric("gateway_live_dropped_total", stage="detect") == 2


@pytest.mark.parametrize(
    ("error", "slug"),
    [
        (DOWN, "dependency-unavailable"),
        (ServiceError(ProblemKind.INVALID_IMAGE, "cut off"), "no-fresh-frame"),
        (ZeroDivisionError("a bug"), "internal"),
    ],
)
async def test_detector_failure_is_reported_and_the_session_recovers(error: Exception, slug: str) -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            harness.detector.error = error
            harness.show(1)
            status = await next_status(viewer)
            assert (status["state"], status["camera"]) == ("problem", "cam0")
            assert status["problem"]["type"] == f"urn:emotion:problem:{slug}"
            harness.detector.error = None
            harness.show(2)
            await eventually(lambda: (b"jpeg 2", (FACE,)) in harness.detector.requests, "another try")
            assert (await next_status(viewer))["state"] == "ok"
            await result_of(viewer, 2)


async def test_model_failure_is_reported_and_the_session_recovers() -> None:
    async with live_harness() as harness:
        harness.model.error = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down", dependency="model")
        with harness.live.subscribe("cam0", None, None) as viewer:
            assert (await next_status(viewer))["problem"]["dependency"] == "model"
            harness.model.error = None
            await harness.show_and_see(1, viewer)


async def test_hanging_step_times_out_and_is_reported() -> None:
    async with live_harness(live_timeout_s=0.05) as harness:
        with harness.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            harness.model.gate.clear()
            harness.show(1)
            status = await next_status(viewer)
            assert status["problem"]["type"] == "urn:emotion:problem:dependency-timeout"
            harness.model.gate.set()
            await harness.show_and_see(2, viewer)


async def test_store_failure_is_reported_and_the_session_recovers() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            harness.store.error = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "down", dependency="redis")
            assert (await next_status(viewer))["problem"]["dependency"] == "redis"
            harness.store.error = None
            await harness.show_and_see(1, viewer)


async def test_stalled_or_missing_camera_is_reported_and_resumes() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 0)
            stalled = await next_status(viewer)
            assert stalled["problem"]["type"] == "urn:emotion:problem:no-fresh-frame"
            assert "it is online" in stalled["problem"]["detail"]
            del harness.store.cameras["cam0"]
            assert (await next_status(viewer))["problem"]["type"] == "urn:emotion:problem:camera-not-found"
            await harness.show_and_see(1, viewer)


async def test_session_continues_after_the_store_clock_was_set_back() -> None:
    async with live_harness() as harness:
        harness.show(1000)
        with harness.live.subscribe("cam0", None, None) as viewer:
            await result_of(viewer, 1000)
            harness.show(3)
            assert number_of(await next_object(viewer)) == 3


async def test_without_faces_each_frame_is_searched_for_changes() -> None:
    async with live_harness() as harness:
        harness.detector.boxes.clear()
        with harness.live.subscribe("cam0", None, None) as viewer:
            for number in range(3):
                (result,) = await harness.show_and_see(number, viewer)
                assert (result["faces"], result["emotion"]) == ([], None)
            harness.detector.boxes.append(FACE)
            (result,) = await harness.show_and_see(3, viewer)
            assert len(result["faces"]) == 1
        assert harness.detector.scopes[:4] == [
            SearchScope.FULL,
            SearchScope.CHANGED,
            SearchScope.CHANGED,
            SearchScope.CHANGED,
        ]
        assert harness.model.calls == 1


async def test_face_that_change_detection_missed_is_found_by_the_next_full_search() -> None:
    clock = FakeClock()
    async with live_harness(clock) as harness:
        harness.detector.boxes.clear()
        harness.detector.overlooked.append(FACE)
        with harness.live.subscribe("cam0", None, None) as viewer:
            await harness.show_and_see(0, viewer)
            harness.detector.boxes.append(FACE)  # but the reference contains it already
            faces = []
            for number, advance_s in enumerate((0.1, FULL_SEARCH_INTERVAL_S - 0.2, 0.1), 1):
                clock.advance(advance_s)
                (result,) = await harness.show_and_see(number, viewer)
                faces.append(len(result["faces"]))
        assert faces == [0, 0, 1]
        assert harness.detector.full_searches == 2


async def test_search_for_new_faces_gets_the_known_ones() -> None:
    async with live_harness() as harness:
        with harness.live.subscribe("cam0", None, None) as viewer:
            number = 0
            while SearchScope.CHANGED not in harness.detector.scopes:
                await harness.show_and_see(number, viewer)
                number += 1
                assert number < 1000
            at = harness.detector.scopes.index(SearchScope.CHANGED)
            assert harness.detector.requests[at][1] == (FACE,)


async def test_late_subscriber_gets_the_current_problem_first() -> None:
    async with live_harness() as harness:
        harness.detector.error = DOWN
        with harness.live.subscribe("cam0", None, None) as first:
            await next_status(first)
            with harness.live.subscribe("cam0", None, None) as second:
                assert (await next_object(second))["problem"]["dependency"] == "detector"


async def test_sessions_of_several_cameras_run_in_parallel() -> None:
    async with live_harness() as harness:
        harness.store.cameras["door"] = KnownCamera("door", ONLINE, harness.store.cameras["cam0"].newest)
        with harness.live.subscribe("cam0", None, None) as a, harness.live.subscribe("door", None, None) as b:
            assert {(await next_object(viewer))["source"]["camera"] for viewer in (a, b)} == {"cam0", "door"}
            await eventually(lambda: harness.metric("gateway_live_sessions") == 2, "both to be counted")
    assert frame_id(0) == "1700000000000-0"
